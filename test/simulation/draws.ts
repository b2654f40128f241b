/** What operators come to do, and how often of all that. */
import { PRODUCTS } from "./beginnings.ts";
import { reason, type Operators } from "./operators.ts";

type Draw = (operators: Operators) => Promise<void>;

const HOUR = 3_600_000;

/** As often as they are listed. */
const DRAWS: readonly Draw[] = [
  (operators) => operators.startRollout(),
  (operators) => operators.startRollout(),
  (operators) => operators.steer("pause"),
  (operators) => operators.steer("resume"),
  (operators) => operators.steer("resume"),
  (operators) => operators.steer("stop"),
  (operators) => operators.steer("rollback"),
  (operators) => operators.steer("rollback"),
  (operators) => operators.steer("approve"),
  (operators) => operators.steer("approve"),
  (operators) => operators.place("pin"),
  (operators) => operators.place("pin"),
  (operators) => operators.place("quarantine"),
  async (operators) => {
    const of = { account: operators.account(), product: operators.pick(PRODUCTS), reason };
    await operators.tell(operators.pick(["account.pin.lift", "account.quarantine.lift"] as const), of);
  },
  async (operators) => {
    const account = operators.account();
    const input = { mode: operators.pick(["page", "readOnly"] as const), message: null, until: null, reason };
    await operators.tell("account.hold.set", { account, input });
  },
  async (operators) => {
    await operators.tell("account.hold.lift", { account: operators.account(), reason });
  },
  (operators) => operators.putAccount(),
  (operators) => operators.putAccount(),
  async (operators) => {
    await operators.tell("account.delete", { account: operators.account(), reason });
  },
  async (operators) => {
    const until = new Date(operators.parts.nowMs() + operators.pick([1, 20]) * HOUR).toISOString();
    const input = { until, reason, owner: "support" };
    await operators.tell("account.deferral.set", { account: operators.account(), input });
  },
  (operators) => operators.importAccounts(),
  (operators) => operators.freeze(),
  (operators) => operators.replace(),
  (operators) => operators.replace(),
  (operators) => operators.moveDefault(),
  (operators) => operators.setStable(),
  (operators) => operators.halt(),
  (operators) => operators.halt(),
  (operators) => operators.export(),
  (operators) => operators.restore(),
];

/** One command, whatever comes to mind. */
export async function act(operators: Operators): Promise<void> {
  await operators.pick(DRAWS)(operators);
}
