// The ways: each takes the provider and what it was told, and tells what it saw.
import * as oidc from 'openid-client';
import { tools } from './keys.mjs';
import { address } from './provider.mjs';

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
  const arrived = await told.opened(await address(config, told, asked, options));
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
  const seen = { client: config.clientMetadata(), tokens, claims, userinfo, next, again };
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
  const back = await told.opened(end);
  const known = await oidc.tokenIntrospection(config, tokens.access_token);
  const kept = back.searchParams.get('state') === state;
  return { back: back.origin + back.pathname, kept, known, claims: tokens.claims() };
}

/** A screen without keys shows a code, and a person allows it before the screen asks once. */
async function device(config, told) {
  const options = await tools(config, told);
  const begun = await oidc.initiateDeviceAuthorization(config, { scope: 'openid', ...told.asked });
  const arrived = await told.opened(begun.verification_uri_complete);
  const soon = { ...begun, interval: 0.05 };
  const tokens = await oidc.pollDeviceAuthorizationGrant(config, soon, undefined, options);
  const claims = tokens.claims();
  const userinfo = await oidc.fetchUserInfo(config, tokens.access_token, claims.sub, options);
  return { begun, arrived, tokens, claims, userinfo };
}

/** A counter asks for somebody who answers on their own pages, and the counter asks once. */
async function counter(config, told) {
  const asked = { scope: 'openid', binding_message: 'Quay 5', ...told.asked };
  const begun = await oidc.initiateBackchannelAuthentication(config, asked);
  const arrived = await told.opened(`${told.issuer}/my/requests`);
  const soon = { ...begun, interval: 0.05 };
  const tokens = await oidc.pollBackchannelAuthenticationGrant(config, soon);
  const claims = tokens.claims();
  const userinfo = await oidc.fetchUserInfo(config, tokens.access_token, claims.sub);
  return { begun, arrived, tokens, claims, userinfo };
}

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

/** A token for a lesser one, which tells less. */
async function exchange(config, told) {
  const { tokens } = await signedIn(config, told);
  const sent = { subject_token: tokens.access_token, subject_token_type: ACCESS_TOKEN };
  const lesser = await oidc.genericGrantRequest(config, EXCHANGE, { ...sent, ...told.exchanged });
  const { sub } = tokens.claims();
  const before = await oidc.fetchUserInfo(config, tokens.access_token, sub);
  const after = await oidc.fetchUserInfo(config, lesser.access_token, sub);
  return { tokens, lesser, before, after };
}

/** A grant by its name: asked for, looked at, and given back with all its tokens. */
async function granted(config, told) {
  const { tokens } = await signedIn(config, told);
  const scope = 'grant_management_query grant_management_revoke';
  const { access_token: its } = await oidc.clientCredentialsGrant(config, { scope });
  const { grant_management_endpoint: grants } = config.serverMetadata();
  const named = new URL(`${grants}/${tokens.grant_id}`);
  const look = await oidc.fetchProtectedResource(config, its, named, 'GET');
  const back = await oidc.fetchProtectedResource(config, its, named, 'DELETE');
  const known = await oidc.tokenIntrospection(config, tokens.access_token);
  return { tokens, look: await look.json(), back: back.status, known };
}

/** What the provider says of itself, after the client has read it. */
async function discovery(config) {
  return config.serverMetadata();
}

export const WAYS = { code, own, logout, device, counter, exchange, granted, discovery };
