// npm oidc-provider with the services, people, keys and addresses of our own benchmark.
// Told by the environment: PEER_PORT, PEER_FILE (what it is to know), PEER_DATABASE (empty: memory).

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

import { durable } from './adapter.js';

const { PEER_PORT, PEER_FILE, PEER_DATABASE } = process.env;
const CONNECTIONS = 8;
const MINUTES = 60;
const API = 'urn:motlan:bench:api';
const known = JSON.parse(readFileSync(PEER_FILE, 'utf8'));
const issuer = `http://localhost:${PEER_PORT}`;

/** A person of whom the same is known as of ours. */
function account(id) {
  const person = {
    sub: id, name: 'Nguyễn Thị Lan', birthdate: '1988-04-12', gender: 'female',
  };
  return { accountId: id, claims: () => person };
}

const provider = new Provider(issuer, {
  adapter: PEER_DATABASE ? await durable(JSON.parse(PEER_DATABASE), CONNECTIONS) : undefined,
  clients: known.clients,
  clientDefaults: { id_token_signed_response_alg: 'ES256' },
  jwks: { keys: [known.key] },
  cookies: { keys: ['a key of the benchmark'] },
  findAccount: (_ctx, id) => account(id),
  scopes: ['openid', 'offline_access', 'profile', 'api'],
  claims: { openid: ['sub'], profile: ['name', 'birthdate', 'gender'] },
  conformIdTokenClaims: true,
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    introspection: { enabled: true },
    pushedAuthorizationRequests: { enabled: true },
    resourceIndicators: {
      enabled: true,
      // It cannot introspect its own JWT, nor take one at userinfo: some services get opaque tokens.
      defaultResource: (_ctx, client) => (client.clientId.startsWith('opaque') ? undefined : API),
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope: 'openid profile api',
        audience: API,
        accessTokenFormat: 'jwt',
        accessTokenTTL: 5 * MINUTES,
        jwt: { sign: { alg: 'ES256' } },
      }),
    },
    revocation: { enabled: true },
  },
  interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
  issueRefreshToken: () => true,
  rotateRefreshToken: true,
  routes: {
    authorization: '/authorize',
    introspection: '/introspect',
    jwks: '/jwks',
    pushed_authorization_request: '/par',
    token: '/token',
    userinfo: '/userinfo',
  },
  enabledJWA: { clientAuthSigningAlgValues: ['ES256'] },
  ttl: {
    AccessToken: 60 * MINUTES,
    AuthorizationCode: MINUTES,
    ClientCredentials: 5 * MINUTES,
    Grant: 14 * 24 * 60 * MINUTES,
    IdToken: 5 * MINUTES,
    Interaction: 10 * MINUTES,
    RefreshToken: 14 * 24 * 60 * MINUTES,
    Session: 14 * 24 * 60 * MINUTES,
  },
});

/** Whoever has no session yet is signed in and agrees, so that the benchmark begins with one. */
async function interact(request, response) {
  const { prompt, params, session } = await provider.interactionDetails(request, response);
  const accountId = session?.accountId ?? `person-${params.state}`;
  if (prompt.name === 'login') {
    return provider.interactionFinished(request, response, { login: { accountId } });
  }
  const grant = new provider.Grant({ accountId, clientId: params.client_id });
  grant.addOIDCScope('openid profile offline_access');
  grant.addResourceScope(API, 'openid profile api');
  return provider.interactionFinished(
    request,
    response,
    { consent: { grantId: await grant.save() } },
    { mergeWithLastSubmission: true },
  );
}

const answer = provider.callback();
const server = createServer((request, response) => {
  if (!request.url.startsWith('/interaction/')) return answer(request, response);
  return interact(request, response).catch((error) => {
    response.statusCode = 500;
    response.end(String(error));
  });
});
server.keepAliveTimeout = MINUTES * 1000; // connections stay open, as ours do
server.listen(PEER_PORT, '127.0.0.1', () => console.log('ready'));
