/**
 * The two variables that let people in through Cloudflare Access: `ACCESS_TEAM` says whose word is taken, `ACCESS_AUD` for
 * which application. Both or neither; with neither the header that Access sets means nothing here.
 * Called by env.ts. https://developers.cloudflare.com/cloudflare-one/access-controls/applications/http-apps/authorization-cookie/validating-json/
 */

/** Where Access puts its token. Its cookie and its e-mail header are what the client wrote, and never read. */
export const ACCESS_HEADER = "cf-access-jwt-assertion";

/** Who vouches for people, and for which application. */
export interface AccessConfig {
  /** `iss` of every token, without a slash at its end. */
  readonly issuer: string;
  /** Where the keys are that it signs with. */
  readonly keysUrl: string;
  /** Tags of the application, one of which a token must be for. */
  readonly audiences: readonly string[];
}

const TEAM = /^([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?:\.cloudflareaccess\.com)?$/;
/** For a rehearsal on one machine alone: nobody else can answer there. */
const LOOPBACK = /^http:\/\/127\.0\.0\.1:\d{1,5}$/;
/** As the dashboard of Access shows it. */
const AUDIENCE = /^[0-9a-f]{64}$/;
const KEYS_PATH = "/cdn-cgi/access/certs";

/** @returns null when Access is not set up; what is wrong goes to `problems`. */
export function parseAccess(
  given: { readonly team: string; readonly audiences: string },
  problems: string[],
): AccessConfig | null {
  const team = given.team.trim();
  const audiences = given.audiences.split(/[\s,]+/).filter((part) => part !== "");
  if (team === "" && audiences.length === 0) return null;
  const issuer = issuerOf(team);
  if (team === "")
    problems.push("ACCESS_AUD is set and ACCESS_TEAM is not: say whose Cloudflare Access, such as acme");
  else if (issuer === null)
    problems.push(
      `ACCESS_TEAM "${team}" must be the name of the team, as in acme or acme.cloudflareaccess.com`,
    );
  if (audiences.length === 0)
    problems.push("ACCESS_TEAM is set and ACCESS_AUD is not: add the Application Audience (AUD) Tag");
  for (const tag of audiences.filter((each) => !AUDIENCE.test(each)))
    problems.push(
      `ACCESS_AUD "${tag.slice(0, 80)}" must be an Application Audience (AUD) Tag: 64 hexadecimal digits`,
    );
  return issuer === null ? null : { issuer, keysUrl: issuer + KEYS_PATH, audiences };
}

function issuerOf(team: string): string | null {
  if (LOOPBACK.test(team)) return team;
  const name = TEAM.exec(team)?.[1];
  return name === undefined ? null : `https://${name}.cloudflareaccess.com`;
}
