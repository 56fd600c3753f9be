"""Your turn: one thing to build in each chapter, a check that tells right from nearly right, and a quiz.

    check.roles(answer)          # None: not answered yet; wrong: a WorkshopError that says what is wrong with it
    check.hint("roles")
    check.solution("roles")

`check` holds the tasks, `judges` and `states` say what is wrong with an answer, `quiz` asks ten questions; none of them
calls AWS. `trouble` breaks something in what the chapters made, and says when it is mended.
"""
