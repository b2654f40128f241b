/** The second half of the races of `race.test.ts`. */
import { describeRaces, RACES_A_FILE } from "../../support/race-rounds.ts";

describeRaces({ first: 1 + RACES_A_FILE });
