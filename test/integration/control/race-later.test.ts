/** The second half of the races of `race.test.ts`. */
import { describeRaces } from "../../support/race-rounds.ts";

describeRaces({ first: 501, seeds: 500 });
