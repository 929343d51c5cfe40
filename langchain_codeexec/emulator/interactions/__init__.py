"""The Interactions API over the emulator's brains and sandbox: create, get, cancel and delete, unary or streamed.

`requests` checks what comes in, `steps` makes of it the contents that brains read, `events` makes of a brain's
parts steps and events, `store` keeps interactions, `environments` where their code runs, and `routes` answers.

Recorded in May 2026 are the resource of an answer, its events, the order of their keys and how built-in tools
stream. The envelope of errors with the codes `invalid_request`, `not_found`, `too_many_requests` and
`gateway_timeout`, and the refusals of a legacy client, a misplaced value and an unsigned thought are in issues
and public documentation. Elsewhere google-genai 3.6 gives the types, and the words and codes are ours.
"""
