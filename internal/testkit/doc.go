/*
Package testkit is what the tests of every system share: a database per test, a client that holds every exchange to the
contract, the replaying of vectors, and requests made from a contract to break it. Only tests import it.

# Vectors

A vector is a file that shows what a system promises, as a dialogue: HTTP exchanges, messages on several connections, raw
bytes. It lies in spec/<system>/vectors/NAME.txtar and reads like a page of the manual:

	A code is played once.
	The document's 4.1; "Codes" of the rules.

	-- login client as alice --
	-- # plays a code and wins --
	-- POST /api/game/play as alice --
	{"ticketCode": "ABC-DEFG-HIJK"}
	-- 200 --
	{
	  "success": true,
	  "message": "🎉 Félicitations! Vous avez gagné!",
	  "data": {
	    "ticket": {"id": "<uuid as ticketId>", "code": "ABC-DEFG-HIJK", "status": "PENDING", "played_at": "<now>"},
	    "prize": "<any>"
	  }
	}
	-- # 400 code already used --
	-- clock +25h --
	-- POST /api/game/play as alice --
	{"ticketCode": "ABC-DEFG-HIJK"}
	-- 400 --
	{"success": false, "error": "Ce code a déjà été utilisé"}

The file is a txtar archive. Its head says in the first line what it shows. Then come sections, each a line "-- … --" with
the text that follows it. Every file runs on a system of its own: a fresh database with the demo data, a clock that stands
still, randomness that repeats. It runs at the system's own address and under the portal's mount.

"-- # TITLE --" opens a chapter, which becomes a subtest. The steps before the first chapter prepare it for all of them. A
chapter stops at its first failure; the chapters after it are tried all the same.

# HTTP

	-- METHOD PATH --                    a request; its text is headers, a blank line, the body; any of them may be missing
	-- METHOD PATH as NAME --            with "Authorization: Bearer " and the token that was captured as NAME
	-- N times METHOD PATH … --          the same request N times, each answered as expected; {n} counts from 1
	-- METHOD PATH escaped --            the body has escapes (see Bytes)
	-- STATUS --                         must follow: the answer, again headers, a blank line, the body

A body is sent as application/json unless a Content-Type says otherwise; "Content-Type:" with nothing behind it sends none.
The path is sent as it stands, with its query, wrong escapes included. Of the answer, the listed headers must match (the value
<absent> forbids one), others are free; a body that is JSON is compared as JSON, any other as text; an empty section means
an empty body. Beyond what the file says, every exchange is held to the contract by kin-openapi's openapi3filter: a status
that the operation does not list fails, a response of another shape fails, and so does a request that succeeds although
the contract forbids it. Only 413, 415 and 503 may come unlisted. What is no operation must be answered with the envelope
of the errors.

# Matching

JSON is compared by structure: the same members, no more, in any order; the same elements in the same order; numbers by value.
Inside an expected string, <…> is a matcher. One that is the whole string matches any kind of value:

	<any>                       anything, null too
	<string>                    a string; <string ~ REGEXP> one that matches as a whole (\> is > there)
	<number> <integer> <bool>
	<uuid>                      in lower case
	<time>                      RFC 3339 in UTC with milliseconds: 2025-11-08T14:08:57.237Z
	<now>                       the clock's time, written so
	<jwt>                       three parts in base64url
	<… as NAME>                 captures what it matches: <uuid as ticketId>

With other text around it a matcher stands for a part of the string: "http://<string>/verify-email/<string ~ [\\w-]+ as token>".
A < that no lower-case letter follows is itself, and << is always <. In an array, "<more>" as the last element allows others to
follow, and "<in any order>" as the first lets the rest come in any order. In an object, the member "<more>" allows others.

Text (a body that is no JSON, a mail, bytes) is compared line by line; matchers stay within a line, and a line that is only
"..." stands for any number of lines. A line break at the end does not count.

{NAME} is what was captured, wherever it stands: in paths, headers, bodies, expectations and titles of steps. In JSON a number
is written without quotes: {"id": {messageId}}. {base} is the address of the system, with its mount. {repeat N TEXT} is N times
the text. {{NAME}} is {NAME} itself. Using a name before it is captured is refused when the file is read.

# Accounts, time, mail, and the world

	-- login ACCOUNT as NAME --             logs in over the system's own route, as one of the demo accounts (client, employee…)
	-- login IDENTITY PASSWORD as NAME --   as anybody
	-- clock +25h --                        moves the clock; a time such as 2025-12-31T23:00:00Z sets it
	-- mail ADDRESS --                      awaits the next mail to the address and compares headers and plain text
	-- no mail ADDRESS --                   once the system has nothing left to do, no mail to the address is unread
	-- do WORD ARGUMENT… --                 what happens to a system beside its wires, such as an administrator's command or
	                                        a database that goes away; each system's test says which words it knows

# Connections

A connection has a name, and its steps read like the lines of a play. What arrives waits until it is expected.

	-- NAME: connect ws PATH [as TOKEN] --          opens a WebSocket; the text is headers
	-- NAME: connect socketio [PATH] [as TOKEN] --  a Socket.IO client (default namespace, by WebSocket); the text is headers, a blank
	                                                line, the auth payload; PATH is /socket.io/ unless given
	-- NAME: connect tcp --                         opens a TCP connection
	-- NAME: close --                               ends it from this side
	-- NAME: expect close [CODE] --                 the other side ends it, on a WebSocket with this code

The section after a connect may be a STATUS: -- 401 -- with the answer that refuses the upgrade, -- 101 -- with headers of the one that
grants it. A Socket.IO connect that is refused is followed by -- NAME: expect connect_error --.

	-- NAME: send --            ws: the text as one frame. tcp: bytes
	-- NAME: send byte by byte --   tcp: the same, a write for each byte
	-- NAME: send EVENT --      socketio: an event; the text is its arguments, JSON values one after the other
	-- NAME: ack --             directly behind: the event asks for an ack; the text is the ack's arguments
	-- NAME: expect --          the next messages, one JSON value for each, in this order; or one frame of text
	-- NAME: expect EVENT --    socketio: the next message is this event with these arguments; without EVENT each message is
	                            written ["event", argument…]
	-- NAME: expect in any order --          the next messages, whichever comes first
	-- NAME: expect eventually [EVENT] --    the messages, however many others come before and between
	-- NAME: expect nothing within 200ms --  silence

# Bytes

On tcp, the text of a send goes out as it stands, line breaks included, and an expect takes exactly its text from the
stream. Both know escapes: \n, \r, \t, \xNN, \uNNNN and \\; a backslash at the end of a line takes the line break away; in a send,
\| ends one write and starts the next:

	-- ben: connect tcp --
	-- ben: send --
	LOG\|IN
	api-token:aaaa
	-- ben: expect --
	200/OK
	message:Accès autorisé

# Running them

RunVectors replays every file of a directory; no file at all is a failure, and a file that cannot be read is told with its
line. A system's test calls it:

	testkit.RunVectors(t, testkit.Suite{Files: os.DirFS("../.."), Dir: "spec/tiptop/vectors", Spec: contract,
		Mounts: []string{"", "/tiptop"}, Start: start})

Coverage tells which answers of a contract no vector shows; internal/archtest asks it of every system.

# Broken requests

Attack makes requests from a contract alone: for every operation valid ones and every kind of broken one that applies to
its parts: tokens that are missing, malformed, tampered with, foreign, expired or revoked; the wrong role, route or method;
values of the wrong type, range, length, format, pattern or spelling; fields that are missing, null, unknown, given twice or in
the wrong case; NUL and invalid UTF-8; repeated parameters and bad escapes; bodies that are missing, cut off, followed by
more, deeply nested, too large, or of another media type. It sends them to a running system and holds each answer, and all
tables, to what must come of it, and prints how many of which kind each operation got.
*/
package testkit
