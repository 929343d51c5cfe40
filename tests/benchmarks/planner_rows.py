"""Invented requests with the right choice, for runs without a data file and beside one when weights are fitted.

They show what public sets hold little of: short computing questions, the first person, numbers in questions
that are not for computing, other languages.
"""

from __future__ import annotations

from typing import Any

__all__ = ["FUNCTIONS", "ROWS"]


def _function(name: str, description: str, required: list[str], **properties: Any) -> dict[str, Any]:
    schemas = {
        key: value if isinstance(value, dict) else {"type": "string", "description": value}
        for key, value in properties.items()
    }
    return {
        "name": name,
        "description": description,
        "parameters": {"type": "object", "properties": schemas, "required": required},
    }


FUNCTIONS = {
    function["name"]: function
    for function in [
        _function("get_weather", "Get the weather forecast of a city.", ["city"], city="Name of the city.", day="Which day."),
        _function("catalog.lookupPrice", "Look up the price of a product in our catalog.", ["product"], product="Name of the product."),
        _function("list_open_invoices", "List the invoices a customer has not paid.", ["customer_id"], customer_id="Id of the customer."),
        _function(
            "bookTable", "Book a table in a restaurant.", ["restaurant", "date", "guests"],
            restaurant="Name of the restaurant.", date="Date of the visit.", guests={"type": "integer", "description": "How many come."},
        ),
        _function(
            "send_email", "Send an e-mail to somebody.", ["recipient", "text"],
            recipient="E-mail address.", text="What to write.",
        ),
        _function("count_stock", "Count the items of an article in the warehouse.", ["article"], article="Article number."),
        _function(
            "set_thermostat", "Set the temperature of a room.", ["room", "celsius"],
            room="Which room.", celsius={"type": "number", "description": "Temperature wanted."},
        ),
    ]
}  # fmt: skip

_CODE = [
    "What is 17 * 23?",
    "What's 15% of my $84 bill?",
    "I want to know the average of 3, 5, 9 and 14.",
    "My three invoices are 120, 80 and 45 euros. What do I owe in total?",
    "If I save 250 a month at 3% a year, how much do I have after 10 years?",
    "Sort these words by length: pear, fig, banana, kiwi.",
    "Reverse the string 'stressed'.",
    "How many vowels are in 'encyclopedia'?",
    "Is 7919 a prime number?",
    "Solve 3x + 7 = 22 for x.",
    "What is the standard deviation of [4, 8, 15, 16, 23, 42]?",
    "Compute the first 20 Fibonacci numbers.",
    "Convert 98.6 degrees Fahrenheit to Celsius.",
    "Simulate 10000 rolls of two dice and estimate the probability of a sum of 7.",
    "I ran 5 km in 27 minutes and 30 seconds. What was my pace per km?",
    "What is the determinant of [[2, 1], [5, 3]]?",
    "Find the derivative of x^3 - 4x at x = 2.",
    "Our team of 6 splits 2,430 dollars evenly. How much does each of us get?",
    "How many days are there between 2024-02-11 and 2025-01-03?",
    "Wie viel ist 48 * 17 + 3?",
    "Calcula la media de 12, 18 y 33.",
    "Encode 'hello world' in hexadecimal.",
    "Integrate sin(x) from 0 to 3.",
    "A train leaves at 9:15 and arrives at 13:02. How many minutes does it take?",
    "I have 7 red and 5 blue balls and draw 2. What is the probability that both are red?",
    "My loan of 20000 at 4.5% runs for 5 years. Compute the monthly payment.",
    "Which is larger, 2^100 or 100!?",
    "I need the median of 7, 1, 9, 4.",
]  # fmt: skip
_NEITHER = [
    "Hello! How are you today?",
    "Thanks, that was helpful.",
    "What is the capital of Australia?",
    "Explain how photosynthesis works.",
    "Write me a short poem about autumn.",
    "Who wrote the novel Middlemarch?",
    "Translate 'good morning' into Italian.",
    "What were the causes of the First World War in 1914?",
    "My order 88123 has not arrived yet.",
    "Recommend 3 books on gardening.",
    "I'd like to change my password.",
    "Please book something nice for us.",
    "What do you think about remote work?",
    "Cancel my subscription from 1 May.",
]
_FUNCTIONS = {
    "get_weather": ["Will it rain in Oslo tomorrow?", "What is the weather like in Lima?"],
    "catalog.lookupPrice": ["What does the product 'Trail Tent 2' cost?", "Look up the price of a head torch in the catalog."],
    "list_open_invoices": ["Which invoices has customer C-1044 not paid?", "Show me the open invoices of customer 7731."],
    "bookTable": ["Book a table for 4 guests at Chez Nous on 12 June.", "I'd like a table at Luigi's restaurant for two on Friday."],
    "send_email": ["Send an e-mail to ana@example.com saying 'I am late'.", "E-mail bo@example.org that the meeting is moved to 3 pm."],
    "count_stock": ["How many items of article 5520-B are in the warehouse?", "Count the stock of article 'AX-9'."],
    "set_thermostat": ["Set the bedroom to 19 degrees Celsius.", "Make the temperature of the living room 21.5."],
}  # fmt: skip


def _rows() -> list[dict[str, Any]]:
    names = list(FUNCTIONS)
    rows = []
    for label, questions in (("code_execution", _CODE), ("none", _NEITHER)):
        for index, question in enumerate(questions):
            declared = [FUNCTIONS[names[(index + step) % len(names)]] for step in range(1 + index % 3)]
            rows.append(
                {"id": f"own_{label}_{index}", "question": question, "functions": declared, "label": label}
            )
    for place, (name, questions) in enumerate(_FUNCTIONS.items()):
        for index, question in enumerate(questions):
            others = [FUNCTIONS[names[(place + step) % len(names)]] for step in range(1 + 2 * index)]
            rows.append(
                {
                    "id": f"own_functions_{place}_{index}",
                    "question": question,
                    "functions": others,
                    "label": "functions",
                    "expected_function": name,
                }
            )
    return rows


ROWS = _rows()
