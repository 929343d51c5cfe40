"""What the page remembers is bounded."""

from __future__ import annotations

from langchain_codeexec.emulator.page.journal import Journal


def filled(journal, count, size):
    for _ in range(count):
        exchange = journal.begin("POST", "/", {}, "")
        journal.add_request_body(exchange, b"x" * size)
        journal.add_piece(exchange, b"y" * size)
        journal.end(exchange)


def test_the_oldest_go_when_there_are_too_many():
    journal = Journal(most=10)
    filled(journal, 25, 5)
    assert [exchange.number for exchange in journal.since(0)] == list(range(16, 26))
    assert journal.oldest == 16
    assert journal.get(15) is None


def test_the_oldest_go_when_they_are_too_large():
    journal = Journal(most_bytes=1_000_000)
    filled(journal, 50, 100_000)
    assert journal.size <= 1_000_000
    assert [exchange.number for exchange in journal.since(0)] == [47, 48, 49, 50]


def test_one_that_is_too_large_is_kept_as_far_as_it_goes():
    journal = Journal(most_bytes=100_000)
    exchange = journal.begin("POST", "/", {}, "")
    journal.add_request_body(exchange, b"x" * 200_000)
    for _ in range(100):
        journal.add_piece(exchange, b"y" * 1000)
    assert exchange.request_body == b""
    assert len(exchange.pieces) == 42
    assert exchange.dropped > 200_000
    assert journal.size <= 50_000


def test_one_that_was_forgotten_while_it_lasted_takes_no_more_room():
    journal = Journal()
    exchange = journal.begin("POST", "/", {}, "")
    journal.clear()
    journal.add_piece(exchange, b"y" * 1000)
    journal.end(exchange)
    assert (journal.size, journal.since(0), exchange.pieces) == (0, [], [])
    assert journal.oldest == 2
