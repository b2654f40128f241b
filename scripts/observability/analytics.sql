-- What share of each version's requests fails, and where, over the last hour: a query for Workers Analytics Engine, where
-- every isolate writes what it counted when a dataset is bound as ANALYTICS (see wrangler.toml).
--
-- column           kind `version`: a product, version and class         kinds `edge` (outcomes of requests), `maps` (faults)
-- index1, blob1    `kiln/2.9.0`; the kind                               the kind, twice
-- blob2, blob3     location; upload of the router                       the same
-- blob4, blob5     product, version; both empty: more than 99 at once   empty
-- blob6, blob7     class; empty                                         empty; outcome or fault
-- double1          requests                                             how many
-- double2          answered 5xx                                         0
-- double3          not answered                                         0
-- double4          client left before                                   0
-- double5          newest generation                                    the same
-- double6          1 under break-glass                                  the same
-- double7–20       answered within 10, 20, 50, 100, 200, 400, 800,      0
--                  1,600, 3,200, 6,400, 15,000, 30,000, 100,000 ms
--                  (each from the one before); longer
SELECT
  blob5 AS version,
  blob2 AS place,
  SUM(_sample_interval * (double2 + double3)) / SUM(_sample_interval * double1) AS failing
FROM firebreak
WHERE blob1 = 'version' AND blob4 = 'kiln' AND timestamp > NOW() - INTERVAL '1' HOUR
GROUP BY version, place
