/**
 * The Worker as it is deployed: the handlers of one isolate and the classes of the Durable Objects, nothing else.
 * What they are made of is put together in compose.ts.
 */
import { createFirebreak } from "./compose.ts";

export { ControlPlane } from "./control/control-plane.ts";
export { Meter } from "./control/meter.ts";

export default createFirebreak();
