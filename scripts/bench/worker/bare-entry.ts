/**
 * What every router is measured against: a Worker that passes each request on and does nothing else. `empty` answers by
 * itself. Bundled by rows of the benchmark, never deployed.
 */
interface BareEnv {
  readonly ORIGIN: string;
}

export default {
  fetch(request: Request, env: BareEnv): Promise<Response> {
    // On a front socket of the style `proxy` the URL is the target alone.
    return fetch(env.ORIGIN + request.url, request);
  },
};
