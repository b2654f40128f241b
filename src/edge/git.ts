/**
 * Recognises git's smart HTTP protocol, whose clients show people text alone and whose fetches are POSTs that only read.
 * Looks at method, path and user agent; decides nothing. Called by the edge for its own answers and for read-only holds.
 * https://git-scm.com/docs/gitprotocol-http
 */

/** True for git's own client and for addresses that only it asks for. `pathAndQuery` is in its serialised form. */
export function isGitRequest(userAgent: string | null, pathAndQuery: string): boolean {
  if (userAgent?.startsWith("git/") === true) return true;
  const [path = "", query = ""] = pathAndQuery.split("?", 2);
  if (path.endsWith("/git-upload-pack") || path.endsWith("/git-receive-pack")) return true;
  return (path.includes(".git/") || path.endsWith("/info/refs")) && query.includes("service=git-");
}

/** True for methods that promise to change nothing, and for the POST by which git fetches. */
export function isReadOnly(method: string, pathAndQuery: string): boolean {
  if (method === "GET" || method === "HEAD" || method === "OPTIONS") return true;
  const [path = ""] = pathAndQuery.split("?", 1);
  return method === "POST" && path.endsWith("/git-upload-pack");
}
