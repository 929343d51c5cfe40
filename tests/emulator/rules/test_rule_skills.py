"""Questions the rules understand: the code really runs, and the answer holds its result."""

from __future__ import annotations

import ast

import pytest

ARITHMETIC = [
    ("What is 17 * 23?", "391"),
    ("what's 12 plus 30 divided by 5?", "18.0"),
    ("Calculate (3 + 4) * 5 - 2^3", "27"),
    ("2**100", "1267650600228229401496703205376"),
    ("What is 1,234,567 times 89?", "109876463"),
    ("What is the square root of 144?", "12.0"),
    ("sqrt(2)", "1.4142135623730951"),
    ("What is the square root of the square root of 16?", "2.0"),
    ("What is 5 factorial?", "120"),
    ("What is 20!?", "2432902008176640000"),
    ("factorial of 2000", "331627509245063324117539338057632403828111720810578"),
    ("What is 2.5 million divided by 4?", "625000.0"),
    ("What is three plus four?", "is 7."),
    ("what is twenty-five times one hundred and four?", "2600"),
    ("ten times ten", "100"),
    ("3 point 5 times 2", "7.0"),
    ("two thousand and three minus one", "2002"),
    ("what's 2 to the 10th power", "1024"),
    ("compute 7 to the power of 3", "343"),
    ("2 squared plus 3 squared", "13"),
    ("Compute 17 mod 5", "is 2."),
    ("What is the remainder when 100 is divided by 7?", "is 2."),
    ("the absolute value of -7", "is 7."),
    ("log base 2 of 1024", "10.0"),
    ("natural log of 10", "2.302585"),
    ("sin of 30 degrees", "0.4999"),
    ("cos(0) + 1", "2.0"),
    ("how much is half of 90", "45.0"),
    ("a third of 99", "33.0"),
    ("double 21", "42"),
    ("multiply 12 by 12 and subtract 4", "140"),
    ("add 12 and 30, then divide by 2", "21.0"),
    ("subtract 15 from 40", "25"),
    ("difference between 50 and 18", "32"),
    ("Use Python to compute 2**64", "18446744073709551616"),
    ("Please calculate 45 * 3 for me.", "135"),
    ("I ordered stuff. Please compute what 12.5*4 gives, I need it today!", "50.0"),
    ("1e3 + 5", "1005.0"),
    ("What is 3(4 + 5)?", "27"),
    ("12 \u00d7 12", "144"),
    ("Evaluate: (5+5)^2", "100"),
    ("2 * pi", "6.283185307179586"),
]
PERCENTAGES = [
    ("What is 15% of 80?", "12.0"),
    ("What is 12 percent of 250?", "30.0"),
    ("20 is what percent of 80?", "25.0%"),
    ("What percent of 80 is 20?", "25.0%"),
    ("What percentage is 5 of 20?", "25.0%"),
    ("percent change from 50 to 75", "50.0%"),
    ("A price went from 80 to 60. What is the percentage decrease?", "-25.0%"),
    ("What is 50 plus 10%?", "55.0"),
    ("What is 80 minus 25%?", "60.0"),
    ("Increase 200 by 15%", "230.0"),
    ("Reduce 80 by 15 percent", "68.0"),
    ("Add 19% VAT to 100", "119.0"),
    ("How much is a 15% tip on $80?", "12.0"),
    ("What is 20% off $50?", "40.0"),
    ("$50 with a 20% discount", "40.0"),
]
SERIES = [
    ("What is the sum of the first 10 positive integers?", "55"),
    ("Sum of the even numbers between 1 and 100", "2550"),
    ("Add up all numbers from 1 to 1000", "500500"),
    ("sum of squares of the first 10 natural numbers", "385"),
    ("sum of the squares from 1 to 10", "385"),
    ("sum of the first 10 cubes", "3025"),
    ("Find the sum of all the multiples of 3 or 5 below 1000.", "233168"),
    ("numbers divisible by 3 and 5 up to 60", "[15, 30, 45, 60]"),
    ("What is the product of the integers from 1 to 10?", "3628800"),
    ("List the odd numbers from 1 to 15", "[1, 3, 5, 7, 9, 11, 13, 15]"),
    ("1 + 2 + 3 + ... + 100", "5050"),
    ("What are the first five multiples of 9?", "[9, 18, 27, 36, 45]"),
    ("sum of the first 5 powers of 2", "31"),
    ("list the perfect squares between 1 and 50", "[1, 4, 9, 16, 25, 36, 49]"),
    ("first 8 triangular numbers", "[1, 3, 6, 10, 15, 21, 28, 36]"),
    ("How many even numbers are there between 1 and 50?", "25"),
    ("average of the first 5 squares", "11"),
    ("sum 1 to 100", "5050"),
    ("sum of everything from 1 to 10", "55"),
    ("Count to 10", "1 2 3 4 5 6 7 8 9 10"),
    ("count down from 5 to 1", "5 4 3 2 1"),
    ("multiplication table of 7", "10 x 7 = 70"),
    ("fizzbuzz up to 15", "FizzBuzz"),
    ("How many Collatz steps does 6 take?", "8 steps"),
    ("list the integers from 3 to 6", "[3, 4, 5, 6]"),
]
PRIMES = [
    ("What is the sum of the first 50 prime numbers? Generate and run code for the calculation.", "5117"),
    ("is 97 prime?", "97 is a prime number"),
    ("Is 91 a prime number?", "91 is not a prime number"),
    ("What is the 10th prime?", "29"),
    ("What is the third prime?", "is 5."),
    ("List primes below 30", "[2, 3, 5, 7, 11, 13, 17, 19, 23, 29]"),
    ("primes between 10 and 30", "[11, 13, 17, 19, 23, 29]"),
    ("How many primes are there below 1000?", "168"),
    ("sum of primes below 100", "1060"),
    ("next prime after 100", "101"),
    ("largest prime below 100", "97"),
    ("average of the first 10 primes", "12.9"),
    ("product of the first 5 primes", "2310"),
    ("What is the 20th Fibonacci number?", "6765"),
    ("fibonacci(10)", "55"),
    ("what is the tenth number in the fibonacci sequence", "55"),
    ("first 10 fibonacci numbers", "[1, 1, 2, 3, 5, 8, 13, 21, 34, 55]"),
    ("sum of the first ten Fibonacci numbers", "143"),
    ("Fibonacci numbers up to 21", "[1, 1, 2, 3, 5, 8, 13, 21]"),
    ("gcd of 48 and 36", "12"),
    ("lcm of 4, 6 and 10", "60"),
    ("prime factors of 360", "[2, 2, 2, 3, 3, 5]"),
    ("divisors of 28", "[1, 2, 4, 7, 14, 28]"),
    ("Is 91 divisible by 7?", "divisible by 7: the remainder is 0"),
    ("Is 7 even?", "7 is odd"),
    ("sum of the digits of 2^100", "115"),
    ("How many digits are in 100!?", "158"),
    ("sum of the digits of 12345", "15"),
]
STATISTICS = [
    ("What is the mean of 3, 5 and 8?", "5.333333333333333"),
    ("mean, median and mode of 1, 2, 2, 3, 4", "the mean is 2.4, the median is 2 and the mode is [2]"),
    ("standard deviation of 2 4 4 4 5 5 7 9", "2.138089935299395"),
    ("population standard deviation of [2,4,4,4,5,5,7,9]", "2.0"),
    ("variance of 1, 2, 3, 4", "1.6666666666666667"),
    ("What is the 90th percentile of 1,2,3,4,5,6,7,8,9,10?", "9.1"),
    ("quartiles of 1, 2, 3, 4, 5", "[2.0, 3.0, 4.0]"),
    ("geometric mean of 2 and 8", "4.0"),
    ("Sort 5, 3, 9, 1 in descending order", "[9, 5, 3, 1]"),
    ("sort these numbers ascending: 5 2 8", "[2, 5, 8]"),
    ("The scores of 3 students are 85, 90, 78. What's the average?", "84.33333333333333"),
    ("What is the sum of 3, 4 and 5?", "12"),
    ("sum of 100,200,300", "600"),
    ("mean of $1,200, $3,400 and $5,000", "3200"),
    ("What is the largest of 3, 9, 4?", "9"),
    ("range of 3, 9, 4", "6"),
    ("summary statistics for 1 2 3 4 5", "the median is 3"),
    ("correlation of [1,2,3] and [2,4,7]", "0.9933992677987828"),
    ("covariance of (1,2,3) and (4,5,7)", "1.5"),
    ("linear regression of x = 1, 2, 3 and y = 2, 4, 6", "y = 2.0 * x + 0.0"),
]
DATES = [
    ("How many days between 2024-01-01 and 2024-03-01?", "60 days"),
    ("How many weeks from January 1, 2024 to 5 February 2024?", "5 weeks and 0 days"),
    ("How many months between 2023-01-15 and 2024-01-14?", "11 full months"),
    ("How many years from 3/4/2000 to 3/3/2024?", "23 full years"),
    ("How many business days from 2024-01-01 to 2024-01-08?", "5 weekdays"),
    ("What day of the week was July 20, 1969?", "Sunday"),
    ("weekday of 25.12.2024", "Wednesday"),
    ("Which day is Christmas 2025 on?", "Thursday"),
    ("What date is 90 days after 2024-01-15?", "Sunday, 2024-04-14"),
    ("What date is 2 weeks before March 1st, 2024?", "2024-02-16"),
    ("2024-01-31 plus 1 month", "2024-02-29"),
    ("add 3 years to 2024-02-29", "2027-02-28"),
    ("What is the date 10 business days after 2024-01-01?", "2024-01-15"),
    ("Is 2024 a leap year?", "2024 is a leap year"),
    ("Was 1900 a leap year?", "not a leap year"),
    ("How many leap years are there between 2000 and 2012?", "[2000, 2004, 2008, 2012]"),
    ("How old is someone born on 1990-05-15 on 2024-05-14?", "33"),
    ("How many days are in February 2023?", "28 days"),
    ("What is the week number of 2024-01-08?", "ISO week 2"),
    ("What is the day of the year of 2024-12-31?", "day 366"),
    ("What day is 13/2/2024?", "2024-02-13"),
]
FINANCE_UNITS = [
    ("Compound interest on $1000 at 5% for 10 years compounded monthly", "1647.01"),
    ("Compound interest on a principal of 2000 at 3% for 18 months", "2090.67"),
    ("What is the simple interest on $2000 at 4% for 3 years?", "240.00"),
    ("monthly payment on a loan of $200000 at 6% for 30 years", "1199.10"),
    ("monthly payment on a loan of $1200 at 0% for 1 year", "100.00"),
    ("Convert 5 miles to km", "8.04672 km"),
    ("How many feet are in 2 miles?", "10560.0"),
    ("How many minutes are in a week?", "10080.0"),
    ("100 F in celsius", "37.77777778"),
    ("Convert 25 degrees Celsius to Fahrenheit", "77.0"),
    ("Convert 300 kelvin to celsius", "26.85"),
    ("How many bytes are in 2 GB?", "2000000000.0"),
    ("60 mph in km/h", "96.56064"),
    ("Convert 10 kg to pounds", "22.04622622"),
    ("convert 1 gallon to liters", "3.785411784"),
    ("What is 2 acres in square meters?", "8093.712845"),
]
COMBINATORICS = [
    ("10 choose 3", "120 combinations"),
    ("nPr(5, 2)", "20 permutations"),
    ("How many ways can I choose 3 people from 10?", "120"),
    ("How many permutations of 3 out of 5 are there?", "60"),
    ("permutations of 5 things taken 2 at a time", "20"),
    ("combinations of 52 cards taken 5 at a time", "2598960"),
    ("How many ways can 5 books be arranged?", "120"),
    ("How many ways are there to arrange the letters of MISSISSIPPI?", "34650"),
    ("Convert 255 to hexadecimal", "FF"),
    ("1010 from binary to decimal", "is 10 in base 10"),
    ("What is 0xff in decimal?", "255"),
    ("binary of 10", "1010"),
    ("Convert 100 to base 7", "202"),
    ("2024 in roman numerals", "MMXXIV"),
    ("What is the Roman numeral MCMXCIV?", "1994"),
    ("solve x^2 - 3x + 2 = 0", "[1.0, 2.0]"),
    ("roots of x² + 1 = 0", "1j"),
    ("Find the roots of a quadratic equation with coefficients a=1, b=-3, c=2.", "[1.0, 2.0]"),
    ("Solve 2x + 3 = 11", "x = 4"),
    ("solve 3y = 7 - y", "y = 7/4"),
    ("area of a circle with radius 5", "78.53981633974483"),
    ("perimeter of a rectangle with length 4 and width 3", "is 14"),
    ("hypotenuse of a right triangle with legs 3 and 4", "5.0"),
]
STRINGS = [
    ('Can you print "Hello world!"?', 'I have printed "Hello world!" with'),
    ("Run print('hi there')", "hi there"),
    ("print hello world", "Hello, world!"),
    ('Print "ab" 3 times', "ab\nab\nab"),
    ('Reverse the string "hello"', "olleh"),
    ("Reverse the words in 'one two three'", "three two one"),
    ("How many r's are in strawberry?", "3 times"),
    ('count the letter e in "seventeen"', "4 times"),
    ('How many vowels are in "education"?', "5 vowels"),
    ('how many consonants are in "education"?', "4 consonants"),
    ("Is racecar a palindrome?", '"racecar" is a palindrome'),
    ("Is 'hello' a palindrome?", "not a palindrome"),
    ('count the words in "the quick brown fox"', "4 words"),
    ("How many letters are in the word banana?", "6 letters"),
    ('What is the length of "abc def"?', "7 characters"),
    ('Convert "hello" to uppercase', "HELLO"),
    ('Convert "HELLO" to lower case', "hello"),
    ('"the great gatsby" in title case', "The Great Gatsby"),
    ("sort the letters of 'banana'", "aaabnn"),
    ("sort the words 'pear, apple, fig' alphabetically", "['apple', 'fig', 'pear']"),
    ("What is the longest word in 'a quick fox'?", "quick"),
    ("SHA-256 of 'abc'", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ("base64 encode 'hi'", "aGk="),
    ("decode the base64 'aGk='", "hi"),
    ("count each letter in 'abba'", "{'a': 2, 'b': 2}"),
    ("rot13 of 'abc'", "nop"),
    ("Run this code:\n```python\nfor i in range(3):\n    print(i * i)\n```", "0\n1\n4"),
]
CASES = [
    *ARITHMETIC,
    *PERCENTAGES,
    *SERIES,
    *PRIMES,
    *STATISTICS,
    *DATES,
    *FINANCE_UNITS,
    *COMBINATORICS,
    *STRINGS,
]


@pytest.mark.parametrize(("question", "expected"), CASES, ids=[question[:60] for question, _ in CASES])
def test_answers_from_a_real_run(ask, question, expected):
    plan, code, result, answer = ask(question)
    assert plan["text"].endswith("\n\n")
    assert code["executableCode"]["language"] == "PYTHON"
    assert result["codeExecutionResult"]["outcome"] == "OUTCOME_OK"
    assert expected in answer["text"]


@pytest.mark.parametrize("question", [question for question, _ in CASES[::7]])
def test_code_is_written_to_be_read(ask, question):
    code = ask(question)[1]["executableCode"]["code"]
    ast.parse(code)
    assert code.endswith("\n")
    assert not code.startswith((" ", "\n"))
    assert "print" in code
    assert max(map(len, code.splitlines())) < 200


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ("What is 5/0?", "ZeroDivisionError: division by zero"),
        ("What is the square root of -1?", "ValueError"),
        ("stdev of 3, 3x", None),
        ("covariance of [1, 1] and [1]", None),
    ],
)
def test_a_failing_run_is_told_with_its_last_line(ask, question, reason):
    answer = ask(question)[-1]["text"]
    assert (reason in answer and "failed" in answer) if reason else "not a language model" in answer


def test_several_questions_get_several_programs(ask):
    parts = ask("What is 3 + 4? And what is the 10th prime?")
    assert [next(iter(part)) for part in parts] == [
        "text",
        "executableCode",
        "codeExecutionResult",
        "text",
    ] * 2
    assert "is 7." in parts[3]["text"]
    assert "29" in parts[7]["text"]


@pytest.mark.parametrize("day", ["today", "tomorrow", "yesterday"])
def test_relative_dates_are_computed_at_run_time(ask, day):
    *_, answer = ask(f"What day of the week is {day}?")
    assert any(name in answer["text"] for name in ("Mon", "Tues", "Wednes", "Thurs", "Fri", "Satur", "Sun"))


@pytest.mark.parametrize(
    "question",
    [
        "What day is it today?",
        "How many days until 2100-01-01?",
        "How many days since 2000-01-01?",
        "What date was it 10 days ago?",
        "How old is someone born on 1990-05-15?",
    ],
)
def test_todays_date_comes_from_the_run(ask, question):
    parts = ask(question)
    assert "date.today()" in parts[1]["executableCode"]["code"]
    assert parts[2]["codeExecutionResult"]["outcome"] == "OUTCOME_OK"
