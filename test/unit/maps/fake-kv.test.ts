/** The fake KV keeps the contract that the real one is held to in test/integration/maps-reader.test.ts. */
import { createFakeKv } from "../../support/fake-kv.ts";
import { describeKvContract } from "../../support/kv-contract.ts";
import { createTestClock } from "../../support/test-clock.ts";

describeKvContract("the fake", () => createFakeKv(createTestClock()));
