"""Questions to documents that come as files: computed from them and cited, or said to be beyond them."""

from __future__ import annotations

import pytest
from langchain_core.documents import Document

from langchain_codeexec.grounding import documents_as_data

FLEET = """
# The ships of the line

The whole fleet carried 4,210 guests in 2023, after 3,980 in 2022. Its office has 12 employees.

| Ship | Kind | Built | Length (m) | Mass (tonnes) | Guests 2022 | Guests 2023 | Crew | Lifeboats |
|---|---|---|---|---|---|---|---|---|
| Aurora | ferry | 1990 | 120 | 8,000 | 1,200 | 1,500 | 60 | 4 |
| Borealis | ferry | 2001 | 150 | 12,000 | 1,800 | 1,710 | 75 | 6 |
| Cormorant | cruise ship | 2010 | 240 | 48,000 | 980 | 1,000 | 400 | 20 |
| Mary Drake | tug | 1985 | 30 | 450 | | | 5 | 0 |
"""
ENGINES = """
# Engines of the ships

| Ship | Power (million W) | Maximum speed (km/h) | Fuel per day (kg) | Average fuel price (EUR) |
|---|---|---|---|---|
| Aurora | 9 | 36 | 20,000 | 1.5 |
| Borealis | 15 | 40 | 30,000 | 1.5 |
| Cormorant | 60 | 44 | 96,000 | 1.25 |
"""
CAPTAINS = """
# The captains

| Captain | Born | Took command | Left command |
|---|---|---|---|
| Anna Berg | 1950 | 1985 | 1999 |
| Otto Kahn | 1961 | 1999 | 2020 |
"""
WEATHER = """
# Rain in the harbour

| Year | Month | Rainfall (mm) |
|---|---|---|
| 2023 | January | 48 |
| 2023 | February | 40 |
| 2024 | January | 55 |
| 2024 | February | 62 |
"""
COASTS = """
# Coasts

| Country | Capital | Largest island | Area (km^2) | Distance from Berlin (km) |
|---|---|---|---|---|
| Estonia | Tallinn | Saaremaa | 45,339 | 1,043 |
| Latvia | Riga | Dole | 64,589 | 844 |
"""
SEAS = """
# Seas

| Sea | Temperature (°C) | Freezing temperature (K) | Freezing temperature (°C) |
|---|---|---|---|
| Baltic | 10 | 272.15 | -1 |
| Tethys | 20 | 271.15 | -2 |
"""
HARBOUR = """
# Harbour

The pier of the harbour has a length of 410 m. The depth of the basin is 9 m, and the width of the basin is 85 m.
The lighthouse was built in 1889. The mass of the Big Crane is 700 tonnes.
"""
DOCUMENTS = [
    Document(text.strip(), metadata={"title": text.strip().partition("\n")[0].lstrip("# "), "source": source})
    for source, text in [
        ("fleet.md", FLEET),
        ("engines.md", ENGINES),
        ("weather.md", WEATHER),
        ("harbour.md", HARBOUR),
        ("captains.md", CAPTAINS),
        ("seas.md", SEAS),
        ("coasts.md", COASTS),
    ]
]
FLEET_1, ENGINES_2, WEATHER_3, HARBOUR_4, CAPTAINS_5, SEAS_6 = "[1]", "[2]", "[3]", "[4]", "[5]", "[6]"
NOT_SAID = "The documents do not say."


@pytest.fixture(scope="module")
def request_of():
    """The request that hands documents over with a question."""

    def build(question, documents=None, tools=({"codeExecution": {}},), **more):
        message = documents_as_data(DOCUMENTS if documents is None else documents).message(question)
        parts = [
            {"text": block["text"]}
            if block["type"] == "text"
            else {"inlineData": {"mimeType": block["mime_type"], "data": block["base64"]}}
            for block in message.content
        ]
        return {"contents": [{"role": "user", "parts": parts}], "tools": list(tools), **more}

    return build


@pytest.fixture(scope="module")
def ask_documents(respond, request_of):
    """The answer to a question, and what its code printed by labels."""

    def ask(question, documents=None):
        parts = respond(request_of(question, documents))
        printed = [part["codeExecutionResult"]["output"] for part in parts if "codeExecutionResult" in part]
        pairs = [line.partition(" = ") for line in "".join(printed).splitlines()]
        return parts[-1]["text"], {label: value for label, _, value in pairs}

    return ask


COMPUTED = [
    # look-ups, in other units too
    ("How long is the Aurora?", 120, FLEET_1),
    ("what is the length of the aurora?", 120, FLEET_1),
    ("What's the mass of Drake?", 450, FLEET_1),
    ("How many kilometres long is the Cormorant?", 0.24, FLEET_1),
    ("What is the length of the Borealis in feet?", 150 / 0.3048, FLEET_1),
    ("How many guests did the Borealis have in 2022?", 1800, FLEET_1),
    ("What is the power of the Aurora?", 9, ENGINES_2),
    ("What was the rainfall in January 2024?", 55, WEATHER_3),
    ("When was the Cormorant built?", 2010, FLEET_1),
    # two figures
    ("How much longer is the Cormorant than the Aurora?", 120, FLEET_1),
    ("How much shorter is the Aurora than the Cormorant?", 120, FLEET_1),
    ("What is the difference in length between the Aurora and the Borealis?", 30, FLEET_1),
    ("How many more guests did the Aurora have in 2023 than in 2022?", 300, FLEET_1),
    ("By how many guests did the Borealis decline from 2022 to 2023?", 90, FLEET_1),
    ("How many years apart were the Aurora and the Borealis built?", 11, FLEET_1),
    ("How much more crew has the Cormorant than the Aurora and the Borealis together?", 265, FLEET_1),
    ("How much heavier is the Borealis than the average ship?", 12000 - 17112.5, FLEET_1),
    ("How many times as heavy as the Aurora is the Cormorant?", 6, FLEET_1),
    ("How many times heavier is the Cormorant than the Aurora?", 6, FLEET_1),
    ("What is the ratio of the lengths of the Borealis and the Aurora?", 1.25, FLEET_1),
    ("Divide the mass of the Aurora by its length.", 8000 / 120, FLEET_1),
    ("By what percentage did the guests of the Aurora grow between 2022 and 2023?", 25, FLEET_1),
    ("By how many percent did the guests of the Borealis fall from 2022 to 2023?", 5, FLEET_1),
    ("By what percentage is the Borealis longer than the Aurora?", 25, FLEET_1),
    ("What percentage of the Cormorant's mass is the mass of the Aurora?", 100 / 6, FLEET_1),
    ("The mass of the Aurora is what percentage of the Cormorant's mass?", 100 / 6, FLEET_1),
    ("What share of the total crew of all ships is on the Cormorant?", 400 / 540 * 100, FLEET_1),
    (
        "How much rainfall was there in January 2024 compared with January 2023, as a ratio?",
        55 / 48,
        WEATHER_3,
    ),
    ("How many years was Anna Berg in command?", 14, CAPTAINS_5),
    ("How old was Otto Kahn when he took command?", 38, CAPTAINS_5),
    ("What is the mass of the ships without lifeboats?", 450, FLEET_1),
    ("Subtract the length of the Cormorant from the length of the Aurora.", -120, FLEET_1),
    ("Aurora's crew minus Borealis's crew", -15, FLEET_1),
    ("Aurora length plus Borealis length", 270, FLEET_1),
    ("How many years separate the years Anna Berg and Otto Kahn were born?", 11, CAPTAINS_5),
    ("How many years after the Aurora was the Borealis built?", 11, FLEET_1),
    # said in few words, or with courtesies
    ("length of the Aurora", 120, FLEET_1),
    ("crew cormorant", 400, FLEET_1),
    ("Hi, I was wondering how long the Aurora is, do you know?", 120, FLEET_1),
    ("My boss asked me: what is the mass of the Aurora? Thanks!", 8000, FLEET_1),
    ("By how many percent did the Aurora grow from 2022 to 2023?", 25, FLEET_1),
    ("What is the weight of the fuel per day of the Borealis?", 30000, ENGINES_2),
    # many figures
    ("What is the combined mass of the Aurora and the Borealis?", 20000, FLEET_1),
    ("What is the average length of the ferries?", 135, FLEET_1),
    ("What is the median length of the ships?", 135, FLEET_1),
    ("What is the standard deviation of the crew?", 179.2112348, FLEET_1),
    ("What is the difference between the highest and the lowest mass?", 47550, FLEET_1),
    ("How many guests did the ships have in total in 2023?", 4210, FLEET_1),
    ("What was the total rainfall in 2023?", 88, WEATHER_3),
    ("What is the total crew of the ships except the Cormorant?", 140, FLEET_1),
    ("What is the average mass of ships longer than 100 m?", 68000 / 3, FLEET_1),
    ("What is the average fuel price?", 4.25 / 3, ENGINES_2),
    ("What is the total length of the two longest ships?", 390, FLEET_1),
    # counts
    ("How many ships are listed?", 4, FLEET_1),
    ("How many ships have a crew of more than 70?", 2, FLEET_1),
    ("How many ferries are longer than 130 m?", 1, FLEET_1),
    ("How many ships were built before 2000?", 2, FLEET_1),
    ("How many ships were built between 1990 and 2005?", 2, FLEET_1),
    ("How many ships were built in 2010?", 1, FLEET_1),
    ("How many ships have at most 60 crew?", 2, FLEET_1),
    ("How many ships are heavier than the Aurora?", 2, FLEET_1),
    ("How many ships are longer than 0.1 km?", 3, FLEET_1),
    ("How many ships are heavier than 10000000 kg?", 2, FLEET_1),
    ("What percentage of the ships are ferries?", 50, FLEET_1),
    ("What percentage of the ships is the Aurora?", 25, FLEET_1),
    ("What share of the ships was built before 2000, in percent?", 50, FLEET_1),
    # places
    ("Where does the Borealis rank among the ships by mass?", 2, FLEET_1),
    ("Which rank has the Borealis by mass, from the lightest?", 3, FLEET_1),
    ("What is the rank of the Mary Drake in length?", 4, FLEET_1),
    # what lies between two columns
    ("What was the average age of the captains when they took command?", 36.5, CAPTAINS_5),
    ("What was the average time in command?", 17.5, CAPTAINS_5),
    # several tables
    ("How many guests per metre of length did the Aurora have in 2023?", 12.5, FLEET_1),
    ("How many guests per kilometre did the Aurora have in 2023?", 12500, FLEET_1),
    ("What is the power per tonne of mass of the Borealis?", 15 / 12000, FLEET_1 + ENGINES_2),
    ("What is the fuel per day of the Borealis?", 30000, ENGINES_2),
    ("What is the total power of the ships built after 2000?", 75, FLEET_1 + ENGINES_2),
    ("What is the maximum speed of the longest ship?", 44, FLEET_1 + ENGINES_2),
    ("How many guests per tonne did the Aurora have in 2023?", 1500 / 8000, FLEET_1),
    # temperatures
    ("What is the temperature of the Baltic in Fahrenheit?", 50, SEAS_6),
    ("What is the temperature of the Baltic in kelvin?", 283.15, SEAS_6),
    ("What is the freezing temperature of the Baltic?", 272.15, SEAS_6),
    ("What is the freezing temperature of the Baltic in degrees Celsius?", -1, SEAS_6),
    ("What is the freezing temperature of the Tethys in Fahrenheit?", 28.4, SEAS_6),
    ("How much warmer is the Tethys than the Baltic, in Fahrenheit?", 18, SEAS_6),
    ("How many seas are warmer than 285 K?", 1, SEAS_6),
    # sentences
    ("How many employees does the office have?", 12, FLEET_1),
    ("How many guests did the whole fleet carry in 2022?", 3980, FLEET_1),
    ("What is the width of the basin?", 85, HARBOUR_4),
    ("How deep is the basin?", 9, HARBOUR_4),
    ("When was the lighthouse built?", 1889, HARBOUR_4),
    ("How many guests did the whole fleet carry in 2023?", 4210, FLEET_1),
    ("How much heavier is the Big Crane than the Mary Drake?", 250, FLEET_1 + HARBOUR_4),
]


@pytest.mark.parametrize(("question", "expected", "cited"), COMPUTED, ids=[row[0] for row in COMPUTED])
def test_a_figure_is_computed_and_cited(ask_documents, question, expected, cited):
    answer, printed = ask_documents(question)
    assert printed, answer
    assert float(printed["result"]) == pytest.approx(expected, rel=1e-6)
    assert printed["documents"] == cited
    assert cited in answer
    assert printed["result"] in answer


NAMED = [
    ("Which ship is the longest?", "name", "Cormorant"),
    ("Which ship has the second-largest crew?", "name", "Borealis"),
    ("Which is the lightest ship?", "name", "Mary Drake"),
    ("Which two ships have the largest crews?", "name", "Cormorant, Borealis"),
    ("Which is longer, the Aurora or the Borealis?", "name", "Borealis"),
    ("Who is older, Otto Kahn or Anna Berg?", "name", "Anna Berg"),
    ("Which captain was the youngest on taking command?", "name", "Anna Berg"),
    ("Which captain was in command the longest?", "name", "Otto Kahn"),
    ("Which ship gained the most guests from 2022 to 2023?", "name", "Aurora"),
    ("Which ship lost the most guests from 2022 to 2023?", "name", "Borealis"),
    ("Which ships are longer than the Aurora?", "result", "Borealis, Cormorant"),
    ("What kind of ship is the Aurora?", "result", "ferry"),
    ("Which kind of ship has the most crew?", "result", "cruise ship"),
    ("Which ship was built in 1985?", "result", "Mary Drake"),
    ("What are the lengths of the two longest ships?", "result", "240, 150"),
    ("What is the power of the two longest ships?", "stated", "60 million W, 15 million W"),
]


@pytest.mark.parametrize(("question", "label", "expected"), NAMED, ids=[row[0] for row in NAMED])
def test_a_name_is_found_and_cited(ask_documents, question, label, expected):
    answer, printed = ask_documents(question)
    assert printed.get(label) == expected, answer
    assert f"{expected}" in answer
    assert printed["documents"] in answer


REFUSED = [
    ("How long is the Titanic?", "Titanic"),
    ("How many guests did the Aurora have in 2019?", "2019"),
    ("How many guests did the Aurora have?", "Guests 2022 and Guests 2023"),
    ("How many guests did the Mary Drake have in 2023?", "no figure for the guests 2023 of Mary Drake"),
    ("What is the rainfall of March?", "March"),
    ("How old is the Aurora?", "old"),
    ("How old is Otto Kahn?", "not how long it was"),
    ("What is the difference between the length and the mass of the Aurora?", "units"),
    ("What is the length of the Aurora in kg?", "no figure in kg"),
    ("How much longer is the Titanic than the Aurora?", "Titanic"),
    ("How wide is the Aurora's deck?", "wide"),
    ("Which ship of the line has the most cabins?", "cabins"),
    ("What is the colour of the lighthouse's lamp?", "colour"),
    ("Which ferry was built in 1985?", "nothing that fits"),
    # a part of a header, or of a row, is not the whole
    ("What is the maximum length of the Aurora?", "no maximum"),
    ("What is the second-longest tug?", "1 of such rows"),
    ("What is the mass of the hottest ship?", "hottest"),
    ("How fast is the mass of the Aurora?", "no rule"),
    ("How many ships are wider than 100 m?", "wider"),
    ("How many ships were built more than 5 years ago?", "5"),
    ("How many guests per boat did the Aurora have in 2023?", "boat"),
    ("How many guests per hour did the Aurora have in 2023?", "what to divide by"),
    ("How many ships is the Aurora?", ""),
    ("What percentage of the captains are ferries?", ""),
    ("What percentage of the ships are there?", ""),
    ("Where does the Mary Drake rank by guests in 2023?", "no figure"),
    ("How many days is the Aurora?", ""),
    ("What is the area of Riga?", "Riga"),
    ("What is the height of Saaremaa?", "Saaremaa"),
    ("How far is Estonia from Riga?", ""),
]


@pytest.mark.parametrize(("question", "lacking"), REFUSED, ids=[row[0] for row in REFUSED])
def test_what_is_not_there_is_said_to_be_missing(ask_documents, question, lacking):
    answer, printed = ask_documents(question)
    assert not printed
    assert answer.startswith(NOT_SAID)
    assert lacking in answer


@pytest.mark.parametrize(
    "question",
    [
        "Summarise the documents.",
        "Why is the Aurora shorter than the Borealis?",
        "What would be the length of the Aurora if it was cut in half?",
        "Draw a chart of the lengths of the ships.",
        "Which of the ships are not ferries?",
        "Is the Aurora longer?",
        "Which of the Aurora and the Borealis has more crew?",
        "Which captain's highest ship is the lowest?",
    ],
)
def test_a_question_beyond_the_rules_is_said_to_be_that(ask_documents, question):
    answer, printed = ask_documents(question)
    assert not printed
    assert "not a language model" in answer


def test_a_part_of_a_header_is_named_as_what_it_is(ask_documents):
    answer, printed = ask_documents("What is the price of the Aurora?")
    assert printed["result"] == "1.5"
    assert answer.startswith("The documents give no price but the average fuel price.")


def test_without_code_execution_nothing_is_computed(respond, request_of):
    [part] = respond(request_of("How long is the Aurora?", tools=()))
    assert "codeExecution" in part["text"]


def test_a_schema_is_filled_from_the_run(respond, request_of):
    schema = {"type": "object", "properties": {"result": {"type": "number"}}, "required": ["result"]}
    config = {"responseMimeType": "application/json", "responseJsonSchema": schema}
    parts = respond(request_of("How long is the Aurora?", generationConfig=config))
    assert parts[-1]["text"] == '{"result": 120}'


@pytest.mark.parametrize(("name", "length"), [("Plain", "9"), ('O\'Neill {x} "q"', "7")])
def test_cells_and_headers_cannot_break_out_of_the_program(ask_documents, name, length):
    table = '| Na"me | {result}\'s length (m) |\n|---|---|\n| O\'Neill {x} "q" | 7 |\n| Plain | 9 |\n'
    documents = [Document(f"# Ships\n\n{table}", metadata={"title": "Ships"})]
    answer, printed = ask_documents(f"What is the length of {name}?", documents)
    assert printed["result"] == length
    assert "{" not in answer
    assert "(result)'s length of " in answer


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What is the total price?", 1209.5),
        ("What is the difference between the highest and the lowest discount?", 16),
    ],
)
def test_signs_around_numbers_are_read(ask_documents, question, expected):
    table = (
        "| Item | Price | Discount |\n|---|---|---|\n| Tea | $1,200.50 | 12 % |\n| Milk | $9 | \u22124 % |\n"
    )
    documents = [Document(f"# Shop\n\n{table}", metadata={"title": "Shop"})]
    assert float(ask_documents(question, documents)[1]["result"]) == expected


def test_a_request_without_documents_is_left_to_the_other_skills(ask):
    assert "is 27" in ask("Documents are nice. What is 3 * 9?")[-1]["text"]
