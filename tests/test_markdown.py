from bench.markdown import escape, pipe_table


def test_names_cannot_mark_up_the_page():
    assert escape("a|b\n# c <script> `d` _e_ f_g") == r"a\|b \# c \<script\> \`d\` \_e\_ f_g"


def test_a_table_keeps_numbers_as_they_are_written():
    assert pipe_table([["a", "0.50"], ["b", ""]], ["model", "score"], text_columns=1).splitlines() == [
        "| model   |   score |",
        "|:--------|--------:|",
        "| a       |    0.50 |",
        "| b       |         |",
    ]
