"""The Interactions API over the emulator's own brains and sandbox: create, get, cancel and delete, unary and streamed.

`requests` checks what comes in, `steps` turns it into the contents that brains read, `events` makes steps and events
of a brain's parts, `store` keeps interactions and environments, and `routes` answers over HTTP.

Recorded in May 2026 are the resource of an answer, its events and the order of their keys; how built-in tools
stream, the envelope of errors (`message` and a `code` in words) and the texts of four refusals were seen in clients'
recordings and in issues. Where nothing is attested the service's types are followed (google-genai 3.6): the codes of
errors but `invalid_request`, `not_found`, `too_many_requests` and `gateway_timeout`, the wordings of 404 and of
cancelling, and where `continuation_token` and `environment_id` stand.
"""
