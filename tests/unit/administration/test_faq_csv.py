"""CSV files as spreadsheet programs write them."""

import pytest

from deployments.administration.faq.files import read_import_rows


@pytest.mark.parametrize(
    "text",
    [
        "question;answer\nHow?;So.\n",
        "sep=;\nquestion;answer\nHow?;So.\n",
        "SEP=;\r\nquestion;answer\r\nHow?;So.\r\n",
        '"sep=;"\nquestion;answer\nHow?;So.\n',
        "sep=;;;\nquestion;answer;;\nHow?;So.;;\n",
        "sep=,\nquestion,answer\nHow?,So.\n",
        "sep=\t\nquestion\tanswer\nHow?\tSo.\n",
        "sep=|\nquestion|answer\nHow?|So.\n",
        "question,answer,,,\nHow?,So.,,,\n,,,,\n",
        "question,answer\nHow?,So.,,\n , \n",
        "\ufeffsep=;\nquestion;answer; ;\nHow?;So.; ;\n",
    ],
)
def test_csv_of_spreadsheets_is_taken(text: str) -> None:
    rows, rejected = read_import_rows(text.encode(), "csv")
    assert rejected == ()
    assert [(row.draft.question, row.draft.answer) for row in rows] == [("How?", "So.")]


def test_line_numbers_count_the_separator_line() -> None:
    rows, rejected = read_import_rows(b"sep=;\nquestion;answer\nHow?;So.\nA;B;C\n", "csv")
    assert [row.line for row in rows] == [3]
    assert [row.line for row in rejected] == [4]
