/**
 * The logarithm of the beta function, which the evidence about single accounts is made of. Pure arithmetic.
 * Lanczos's approximation of ln Γ (g = 7, nine terms; P. Godfrey's coefficients, as in Numerical Recipes §6.1): relative
 * error below 1e-13 for arguments above 0.5, checked against `test/vectors/gate-evidence.json`.
 */

const G = 7;
const FIRST = 0.999_999_999_999_809_93;
const COEFFICIENTS = [
  676.520_368_121_885_1, -1259.139_216_722_402_8, 771.323_428_777_653_13, -176.615_029_162_140_59,
  12.507_343_278_686_905, -0.138_571_095_265_720_12, 9.984_369_578_019_572e-6, 1.505_632_735_149_311_6e-7,
];
const HALF_LOG_TWO_PI = 0.918_938_533_204_672_7;

/**
 * ln Γ(x).
 *
 * @param x at least 0.5; everything here asks for at least 1.
 *
 * Worked example: ln Γ(5) = ln 24 = 3.178053830347946.
 */
export function logGamma(x: number): number {
  const y = x - 1;
  let series = FIRST;
  for (const [index, coefficient] of COEFFICIENTS.entries()) series += coefficient / (y + index + 1);
  const t = y + G + 0.5;
  return HALF_LOG_TWO_PI + (y + 0.5) * Math.log(t) - t + Math.log(series);
}

/** ln B(a, b) = ln Γ(a) + ln Γ(b) − ln Γ(a + b). B(2, 3) = 1/12 → −2.484907. */
export function logBeta(a: number, b: number): number {
  return logGamma(a) + logGamma(b) - logGamma(a + b);
}
