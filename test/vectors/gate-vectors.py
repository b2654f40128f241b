"""Makes gate-bounds.json and gate-evidence.json: what the formulas of core/gates give, by another route than the code.

Run: python3 test/vectors/gate-vectors.py   (needs mpmath; Debian: apt-get install python3-mpmath)

The code adds moments account by account, expands squares, and uses closed forms in double precision. Here:
- a side is a list of accounts; weights, rates and the sum of squared residuals are computed from the list as they are
  defined, with 50 digits and no moments;
- the multiplier of the bounds is the root, found by bisection, of the equation that defines it:
  exp(x^2 / 2) = 1 + sqrt(1 + u) / (2 alpha), x = z sqrt(u / (1 + u));
- beside it stands the half-normal mixture itself at that bound, integrated numerically over the drift: a bound is valid
  when the mixture has reached 1 / alpha there, and a good one when it has not gone far beyond;
- evidence against an account is the ratio of two integrals over its failure rate, each by quadrature, where the code
  uses ln Gamma.
Cases are drawn with Python's own generator and a fixed seed; running it again gives the same files.
"""

import json
import pathlib
import random

from mpmath import mp, mpf, exp, inf, log, pi, quad, sqrt

mp.dps = 50
HERE = pathlib.Path(__file__).parent


def capped(side):
    """Weights, excess and failures of accounts, none counting for more than 2 % of the requests or two average ones."""
    used = [account for account in side if account[0] > 0]
    total = sum(mpf(r) for r, _, _ in used)
    cap = max(mpf(1), total * max(mpf(2) / 100, mpf(2) / len(used)))
    rows = []
    for r, f, q in used:
        part = min(mpf(1), cap / r)
        rows.append((part * r, part * (f - r * mpf(q)), part * f))
    return rows


def rate_of(rows):
    return sum(e for _, e, _ in rows) / sum(w for w, _, _ in rows)


def variance_of(rows, floor):
    weight = sum(w for w, _, _ in rows)
    rate = rate_of(rows)
    residuals = sum((e - rate * w) ** 2 for w, e, _ in rows)
    effective = weight**2 / sum(w**2 for w, _, _ in rows)
    between = residuals / weight**2 * effective / (effective - 1)
    share = min(max(floor, mpf(0)), mpf(1) / 2)
    return max(between, share * (1 - share) / weight)


def smoothed(rows):
    return (sum(f for _, _, f in rows) + 1) / (sum(w for w, _, _ in rows) + 2)


def multiplier_of(u, alpha):
    """z where exp(x^2 / 2) = 1 + sqrt(1 + u) / (2 alpha) with x = z sqrt(u / (1 + u)); bisection in z."""
    goal = 1 + sqrt(1 + u) / (2 * alpha)
    low, high = mpf(0), mpf(1)
    while exp(high**2 * u / (1 + u) / 2) < goal:
        high *= 2
    for _ in range(160):
        middle = (low + high) / 2
        if exp(middle**2 * u / (1 + u) / 2) < goal:
            low = middle
        else:
            high = middle
    return high


def mixture_at(z, u):
    """The mixture at a deviation of z standard errors and information u (rho = 1): integral over the drift."""
    drift = z * sqrt(u)
    peak, width = drift / (1 + u), 1 / sqrt(1 + u)
    edges = [mpf(0)] + [peak + step * width for step in (-12, -6, -3, 0, 3, 6, 12) if peak + step * width > 0] + [inf]

    def density(lam):
        return sqrt(2 / pi) * exp(-(lam**2) / 2 + lam * drift - lam**2 * u / 2)

    return quad(density, edges)


def tuned(alpha):
    base = max(mpf(1), -2 * log(2 * alpha))
    return base + log(base) + 1


def bounds_case(name, moved, others, points, alpha, tests, lost):
    tolerance = mpf(points) / 100
    level = mpf(alpha) / tests
    rows = capped(moved)
    compares = others is not None
    if compares:
        other_rows = capped(others)
        usual = smoothed(other_rows)
        estimate = rate_of(rows) - rate_of(other_rows)
        variance = variance_of(other_rows, usual)
    else:
        weight = sum(w for w, _, _ in rows)
        usual = max(mpf(0), sum(f for _, _, f in rows) / weight - rate_of(rows))
        estimate = rate_of(rows)
        variance = mpf(0)
    variance += variance_of(rows, max(smoothed(rows), usual + tolerance))
    error = sqrt(variance)
    u = tuned(level) * (max(tolerance, mpf(1) / 1000) / (3 * error)) ** 2
    z = multiplier_of(u, level)
    lower, upper = estimate - z * error, estimate + z * error
    gone = max(mpf(0), mpf(lost[1]) / sum(lost) - mpf(1) / 100)
    if gone > 0:
        lower, upper = (1 - gone) * lower - gone, (1 - gone) * upper + gone
    return {
        "name": name,
        "errorIncreasePercent": points,
        "alpha": alpha,
        "tests": tests,
        "flushes": lost[0],
        "lost": lost[1],
        "moved": moved,
        "notMoved": others if compares else [],
        "against": "not-moved" if compares else "own-past",
        "estimate": float(estimate),
        "standardError": float(error),
        "information": float(u),
        "multiplier": float(z),
        "lower": float(lower),
        "upper": float(upper),
        "mixtureTimesAlpha": float(mixture_at(z, u) * level),
    }


def draw_side(chance, accounts, mean, rate, past_factor):
    """Accounts of very different size; their past share is about `past_factor` times their rate of today."""
    side = []
    for _ in range(accounts):
        size = max(1, int(mean * chance.lognormvariate(-1, 1.4)))
        own = min(0.9, rate * chance.lognormvariate(-0.2, 0.6))
        failed = sum(1 for _ in range(size) if chance.random() < own)
        past = round(past_factor * own * chance.lognormvariate(-0.02, 0.2), 6)
        side.append([size, failed, past])
    return side


def bounds():
    chance = random.Random(20260401)
    cases = []
    shapes = [
        # name, accounts of both sides, mean requests, rate of both sides, points, alpha, tests, lost
        ("no difference", 25, 40, 200, 0.01, 0.01, 1, 0.05, 1, (100, 0)),
        ("one percent becomes three", 30, 45, 300, 0.03, 0.01, 1, 0.05, 1, (100, 0)),
        ("everything fails", 20, 30, 30, 0.6, 0.01, 1, 0.05, 1, (100, 0)),
        ("nothing ever fails", 24, 30, 50, 0.0, 0.0, 1, 0.05, 1, (100, 0)),
        ("better than before", 28, 30, 120, 0.002, 0.02, 1, 0.05, 1, (100, 0)),
        ("few accounts", 5, 6, 100, 0.02, 0.01, 1, 0.05, 1, (100, 0)),
        ("two accounts a side", 2, 2, 900, 0.02, 0.01, 1, 0.05, 1, (100, 0)),
        ("many small accounts", 60, 60, 6, 0.03, 0.02, 2, 0.05, 1, (100, 0)),
        ("strict alpha", 30, 30, 250, 0.03, 0.01, 1, 0.001, 1, (100, 0)),
        ("lenient alpha", 30, 30, 250, 0.03, 0.01, 1, 0.3, 1, (100, 0)),
        ("half as alpha", 30, 30, 250, 0.03, 0.01, 1, 0.5, 1, (100, 0)),
        ("eight tests share alpha", 30, 30, 250, 0.03, 0.01, 1, 0.05, 8, (100, 0)),
        ("small tolerance", 30, 30, 400, 0.004, 0.002, 0.05, 0.05, 1, (100, 0)),
        ("large tolerance", 30, 30, 60, 0.2, 0.05, 20, 0.05, 1, (100, 0)),
        ("lost by chance", 30, 30, 250, 0.03, 0.01, 1, 0.05, 1, (995, 5)),
        ("a twentieth lost", 30, 30, 250, 0.2, 0.01, 1, 0.05, 1, (95, 5)),
        ("a third lost", 30, 30, 250, 0.9, 0.01, 1, 0.05, 3, (20, 10)),
        ("one request each", 22, 22, 0.01, 0.5, 0.5, 5, 0.05, 1, (100, 0)),
    ]
    for name, a, b, mean, rate, other, points, alpha, tests, lost in shapes:
        before = other / rate if rate > 0 else 1
        moved, others = draw_side(chance, a, mean, rate, before), draw_side(chance, b, mean, other, 1)
        cases.append(bounds_case(name, moved, others, points, alpha, tests, lost))
    moved, others = draw_side(chance, 30, 100, 0.01, 1), draw_side(chance, 30, 100, 0.01, 1)
    moved[0] = [6000, 1800, 0.01]
    cases.append(bounds_case("one moved account sends two thirds and fails", moved, others, 1, 0.05, 1, (100, 0)))
    both = [[9000, 0, 0.02]] + others[1:]
    cases.append(bounds_case("a huge one on either side", moved, both, 1, 0.05, 1, (100, 0)))
    moved, others = draw_side(chance, 26, 150, 0.03, 0), draw_side(chance, 33, 150, 0.01, 0)
    cases.append(bounds_case("no past is known", moved, others, 1, 0.05, 1, (100, 0)))
    cases.append(bounds_case("against the own past", draw_side(chance, 40, 200, 0.01, 1), None, 1, 0.05, 2, (100, 0)))
    worse = [[r, min(r, f + r // 20), q] for r, f, q in draw_side(chance, 40, 200, 0.01, 1)]
    cases.append(bounds_case("worse than the own past", worse, None, 1, 0.05, 2, (100, 0)))
    quiet = [[0, 0, 0.01]] + draw_side(chance, 21, 90, 0.02, 1)
    cases.append(bounds_case("an account without requests", quiet, draw_side(chance, 21, 90, 0.02, 1), 1, 0.1, 1, (7, 0)))
    return cases


def evidence_case(n, s, a, b):
    n, s, a, b = mpf(n), mpf(s), mpf(a), mpf(b)
    # Intervals that end where the integrands have their peaks, or the quadrature would step over them.
    edges = {mpf(0), mpf(1) / 1000, mpf(1) / 100, mpf(1) / 10, mpf(1) / 2, mpf(9) / 10, mpf(99) / 100, mpf(1)}
    for peak, size in (((s + 1) / (n + 2), n + 2), ((s + a) / (n + a + b), n + a + b), (a / (a + b), a + b)):
        width = sqrt(peak * (1 - peak) / size)
        edges |= {min(max(peak + step * width, mpf(0)), mpf(1)) for step in (-9, -6, -4, -2, 0, 2, 4, 6, 9)}
    edges = sorted(edges)

    def likelihood(p):
        return p**s * (1 - p) ** (n - s)

    any_rate = quad(likelihood, edges)
    prior = quad(lambda p: p ** (a - 1) * (1 - p) ** (b - 1), edges)
    usual_rate = quad(lambda p: likelihood(p) * p ** (a - 1) * (1 - p) ** (b - 1), edges) / prior
    value = log(any_rate / usual_rate)
    return {"blocks": float(n), "shareSum": float(s), "a": float(a), "b": float(b), "logEvidence": float(value)}


def evidence():
    cases = [
        (5, 5, 2, 98), (3, 3, 2, 98), (1, 1, 2, 98), (1, 0, 2, 98), (0, 0, 2, 98), (3, 3, 1, 49),
        (4, 3.5, 1.9375, 94.9375), (288, 288, 2, 98), (288, 40, 2, 98), (288, 5.76, 2, 98), (288, 0, 2, 98),
        (12, 6.25, 1.6, 78.4), (24, 9.1, 1.8, 16.2), (40, 35.5, 1.9, 1.9), (60, 12, 1, 1), (6, 2.3333333333, 1.5, 73.5),
        (100, 21.7, 2, 98), (1000, 150, 2, 98), (2000, 60, 2, 98), (10, 0.5, 1.3, 25.25), (7, 7, 1.05, 51.45),
        (30, 29.999, 2, 8),
    ]
    return [evidence_case(*case) for case in cases]


def write(name, cases):
    lines = ",\n".join("  " + json.dumps(case) for case in cases)
    (HERE / name).write_text("[\n" + lines + "\n]\n")
    print(name, len(cases))


write("gate-bounds.json", bounds())
write("gate-evidence.json", evidence())
