// Goes the ways that openid-client knows, against the provider it is told of, and says what it saw.
//
// A line that it reads names a way, who it is and what it wants. It writes {"open": address} for
// whoever started it to play the person, and reads where that led; in the end {"done": what it saw}
// or {"refused": what the client found wrong}, and reads the next way.
import { createInterface } from 'node:readline';
import * as oidc from 'openid-client';
import { algorithm, certifying, credential, openAnswers, tools } from './keys.mjs';

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const heard = async () => JSON.parse((await lines.next()).value);
const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);

/** Where the person's browser arrived: an address, or a form that it posted there. */
async function opened(address) {
  say({ open: String(address) });
  const { url, form } = await heard();
  return form ? new Request(url, { method: 'POST', body: new URLSearchParams(form) }) : new URL(url);
}

/** The provider as it describes itself, and every signature of its answers verified. */
async function met(told) {
  const execute = [oidc.allowInsecureRequests, oidc.enableNonRepudiationChecks];
  if (told.jarm) execute.push(oidc.useJwtResponseMode);
  const config = await oidc.discovery(
    new URL(told.issuer),
    told.client_id,
    told.metadata ?? {},
    await credential(told),
    { execute, ...(told.tls && { [oidc.customFetch]: certifying(told.tls) }) },
  );
  if (told.opens) await openAnswers(config, told.opens);
  return config;
}

/** Where the browser is sent: with the request, a signed one, or a reference to a pushed one. */
async function address(config, told, asked, options) {
  let built = oidc.buildAuthorizationUrl(config, asked);
  // The client knows one signed mode by itself, and reads the others.
  if (told.mode) built.searchParams.set('response_mode', told.mode);
  if (told.jar) {
    built = await oidc.buildAuthorizationUrlWithJAR(config, asked, await algorithm(told.key));
  }
  if (!told.push) return built;
  const { client_id: _, ...sent } = Object.fromEntries(built.searchParams);
  return oidc.buildAuthorizationUrlWithPAR(config, sent, options);
}

/** Signs somebody in: tokens, and what is needed to go on with them. */
async function signedIn(config, told) {
  const pkceCodeVerifier = oidc.randomPKCECodeVerifier();
  const [expectedState, expectedNonce] = [oidc.randomState(), oidc.randomNonce()];
  const options = await tools(config, told);
  const asked = {
    scope: 'openid',
    redirect_uri: told.redirect_uri,
    state: expectedState,
    nonce: expectedNonce,
    code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
    ...told.asked,
  };
  const arrived = await opened(await address(config, told, asked, options));
  const checks = { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true };
  const tokens = await oidc.authorizationCodeGrant(
    config,
    arrived,
    { ...checks, ...told.checks },
    told.redeemed,
    options,
  );
  return { tokens, options };
}

/** A code, who that is, the next tokens; what is known of them before and after they are ended. */
async function code(config, told) {
  const { tokens, options } = await signedIn(config, told);
  const claims = tokens.claims();
  const userinfo = await oidc.fetchUserInfo(config, tokens.access_token, claims.sub, options);
  const next = await oidc.refreshTokenGrant(config, tokens.refresh_token, undefined, options);
  const again = await oidc.fetchUserInfo(config, next.access_token, claims.sub, options);
  const seen = { tokens, claims, userinfo, next, again };
  if (!told.is_public) seen.known = await oidc.tokenIntrospection(config, next.access_token);
  await oidc.tokenRevocation(config, next.refresh_token);
  if (!told.is_public) seen.ended = await oidc.tokenIntrospection(config, next.access_token);
  return seen;
}

/** A token for the service itself. */
async function own(config, told) {
  const options = await tools(config, told);
  const tokens = await oidc.clientCredentialsGrant(config, told.asked, options);
  return { tokens, known: await oidc.tokenIntrospection(config, tokens.access_token) };
}

/** Signed in, and out again: the person comes back to where the service said. */
async function logout(config, told) {
  const { tokens } = await signedIn(config, told);
  const state = oidc.randomState();
  const end = oidc.buildEndSessionUrl(config, {
    id_token_hint: tokens.id_token,
    post_logout_redirect_uri: told.post_logout_redirect_uri,
    state,
  });
  const back = await opened(end);
  const known = await oidc.tokenIntrospection(config, tokens.access_token);
  return { back: back.origin + back.pathname, kept: back.searchParams.get('state') === state, known };
}

/** A screen without keys shows a code, and a person allows it before the screen asks once. */
async function device(config, told) {
  const options = await tools(config, told);
  const begun = await oidc.initiateDeviceAuthorization(config, { scope: 'openid', ...told.asked });
  const arrived = await opened(begun.verification_uri_complete);
  const soon = { ...begun, interval: 0.05 };
  const tokens = await oidc.pollDeviceAuthorizationGrant(config, soon, undefined, options);
  const claims = tokens.claims();
  const userinfo = await oidc.fetchUserInfo(config, tokens.access_token, claims.sub, options);
  return { begun, arrived, tokens, claims, userinfo };
}

/** What the provider says of itself, after the client has read it. */
async function discovery(config) {
  return config.serverMetadata();
}

const WAYS = { code, own, logout, device, discovery };

/** What a client of others can say about an answer that it did not take. */
function refusal(error) {
  const { name, message, code: kind, status, error: word, error_description: why } = error;
  return { name, message, kind, status, word, why, cause: error.cause?.message };
}

for await (const line of lines) {
  const told = JSON.parse(line);
  try {
    say({ done: (await WAYS[told.way](await met(told), told)) ?? null });
  } catch (error) {
    say({ refused: refusal(error) });
  }
}
process.exit(0);
