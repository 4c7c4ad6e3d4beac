// What oidc-provider keeps, in PostgreSQL: every statement prepared, every answer after its commit.

import pg from 'pg';

const TABLE = `
CREATE TABLE IF NOT EXISTS peer_record (
  model text NOT NULL,
  id text NOT NULL,
  payload json NOT NULL,
  grant_id text,
  uid text,
  user_code text,
  consumed_at bigint,
  expires_at timestamptz,
  PRIMARY KEY (model, id)
);
CREATE INDEX IF NOT EXISTS peer_record_grant ON peer_record (grant_id) WHERE grant_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS peer_record_uid ON peer_record (uid) WHERE uid IS NOT NULL;
CREATE INDEX IF NOT EXISTS peer_record_code ON peer_record (user_code) WHERE user_code IS NOT NULL;
`;

const READ = `SELECT payload, consumed_at FROM peer_record
  WHERE model = $1 AND (expires_at IS NULL OR expires_at > now())`;

const STATEMENTS = {
  find: `${READ} AND id = $2`,
  by_uid: `${READ} AND uid = $2`,
  by_user_code: `${READ} AND user_code = $2`,
  upsert: `INSERT INTO peer_record (model, id, payload, grant_id, uid, user_code, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, now() + make_interval(secs => $7))
    ON CONFLICT (model, id) DO UPDATE SET payload = excluded.payload, grant_id = excluded.grant_id,
      uid = excluded.uid, user_code = excluded.user_code, expires_at = excluded.expires_at`,
  // Only one of several uses at once may find it unused; the provider reads it first, too.
  consume: `UPDATE peer_record SET consumed_at = $3
    WHERE model = $1 AND id = $2 AND consumed_at IS NULL`,
  destroy: 'DELETE FROM peer_record WHERE model = $1 AND id = $2',
  revoke: 'DELETE FROM peer_record WHERE grant_id = $1',
};

/** A class of adapters over one pool of connections; the table exists when it resolves. */
export async function durable(place, connections) {
  const pool = new pg.Pool({ ...place, max: connections });
  await pool.query(TABLE);

  const run = (name, ...values) => pool.query({ name, text: STATEMENTS[name], values });

  return class DurableAdapter {
    constructor(model) {
      this.model = model;
    }

    async found(name, value) {
      const { rows: [row] } = await run(name, this.model, value);
      if (!row) return undefined;
      return row.consumed_at ? { ...row.payload, consumed: Number(row.consumed_at) } : row.payload;
    }

    find(id) {
      return this.found('find', id);
    }

    findByUid(uid) {
      return this.found('by_uid', uid);
    }

    findByUserCode(code) {
      return this.found('by_user_code', code);
    }

    async upsert(id, payload, seconds) {
      const { grantId, uid, userCode } = payload;
      await run('upsert', this.model, id, payload, grantId, uid, userCode, seconds);
    }

    async consume(id) {
      await run('consume', this.model, id, Math.floor(Date.now() / 1000));
    }

    async destroy(id) {
      await run('destroy', this.model, id);
    }

    async revokeByGrantId(grantId) {
      await run('revoke', grantId);
    }
  };
}
