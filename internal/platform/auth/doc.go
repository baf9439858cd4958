// Package auth holds what every system needs to know who is calling: password hashes, signed session tokens, single-use
// tokens sent by mail, and the one secret that all of it is derived from.
//
// Nothing here knows a table or a request. Password hashes are argon2id in the PHC string format (RFC 9106). Session tokens
// are JWTs signed with HS256 (RFC 7519), whose jti names a session that the system keeps and can revoke. Single-use tokens
// are derived from an id (see Tokens), so that a mail job carries no secret and tables hold only digests. Keys for each
// purpose come from GUICHET_SECRET by HKDF (RFC 5869): a key that leaks opens no other door.
package auth
