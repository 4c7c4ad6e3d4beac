// The keys of a client: what it authenticates by, signs its requests with and proves.
import https from 'node:https';
import * as oidc from 'openid-client';

const KINDS = {
  ES256: { name: 'ECDSA', namedCurve: 'P-256' },
  PS256: { name: 'RSA-PSS', hash: 'SHA-256' },
  RS256: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
  EdDSA: { name: 'Ed25519' },
};

/** A private JWK as the client holds it. */
export async function algorithm(jwk) {
  const key = await crypto.subtle.importKey('jwk', jwk, KINDS[jwk.alg], false, ['sign']);
  return { key, kid: jwk.kid };
}

/** How the client shows who it is. */
export async function credential(told) {
  if (told.method === 'client_secret_basic') return oidc.ClientSecretBasic(told.secret ?? undefined);
  if (told.method === 'client_secret_post') return oidc.ClientSecretPost(told.secret);
  if (told.method === 'private_key_jwt') return oidc.PrivateKeyJwt(await algorithm(told.key));
  if (told.method?.endsWith('tls_client_auth')) return oidc.TlsClientAuth();
  return oidc.None();
}

const OPENS = {
  'ECDH-ES': { name: 'ECDH', namedCurve: 'P-256' },
  'ECDH-ES+A256KW': { name: 'ECDH', namedCurve: 'P-256' },
  'RSA-OAEP-256': { name: 'RSA-OAEP', hash: 'SHA-256' },
};

/** Lets the client open what is encrypted to its key. */
export async function openAnswers(config, { jwk, enc }) {
  const use = jwk.alg.startsWith('RSA') ? ['decrypt'] : ['deriveBits'];
  const { kid, alg } = jwk;
  const key = await crypto.subtle.importKey('jwk', jwk, OPENS[alg], false, use);
  oidc.enableDecryptingResponses(config, [enc], { key, alg, kid });
}

/** What goes along with requests of tokens, and with the tokens: proofs of a key of its own. */
export async function tools(config, told) {
  if (!told.dpop) return undefined;
  const pair = await oidc.randomDPoPKeyPair(told.dpop);
  return { DPoP: oidc.getDPoPHandle(config, pair) };
}

/** Requests over TLS show the client's certificate; Node's own fetch cannot. */
export function certifying({ cert, key, ca }) {
  const agent = new https.Agent({ cert, key, ca });
  return (url, options) => (url.startsWith('https:') ? asked(url, options, agent) : fetch(url, options));
}

function asked(url, { method, headers, body }, agent) {
  return new Promise((resolve, reject) => {
    const request = https.request(url, { method, headers: Object.fromEntries(new Headers(headers)), agent });
    request.on('error', reject);
    request.on('response', async (answer) => {
      const content = Buffer.concat(await Array.fromAsync(answer));
      resolve(new Response(content, { status: answer.statusCode, headers: answer.headers }));
    });
    request.end(body && String(body));
  });
}
