import sglc as sgl


@sgl.function
def independent(s, n):
    for f in s.fork(n):
        f += "x" + sgl.gen("x")


@sgl.function
def leaves_early(s, n):
    for f in s.fork(n):
        f += "x" + sgl.gen("x")
        if n > 2:
            break


@sgl.function
def appends_outside(s, n):
    for f in s.fork(n):
        f += "x" + sgl.gen("x")
        s += "y"


@sgl.function
def host_code(s, n):
    for f in s.fork(n):
        f += "x" + sgl.gen("x")
        note(n)


# CHECK-REMARKS:
# remark[SGL0362] 6:14-6:23: the prompt before the fork is computed once for all branches
# remark[SGL0362] 12:14-12:23: the prompt before the fork is computed once for all branches
# remark[SGL0362] 20:14-20:23: the prompt before the fork is computed once for all branches
# remark[SGL0362] 27:14-27:23: the prompt before the fork is computed once for all branches
# remark[SGL0364] 6:14-6:23: generations of the branches overlap where nothing waits, other code runs in order: it runs host code, `f` (line 7): in order
# remark[SGL0364] 6:5-7:32: generations of the branches overlap where nothing waits, other code runs in order: it runs host code, `f` (line 7): in order
# remark[SGL0364] 12:14-12:23: generations of the branches overlap where nothing waits, other code runs in order: a turn may leave it early (line 15): in order
# remark[SGL0364] 12:5-15:18: generations of the branches overlap where nothing waits, other code runs in order: a turn may leave it early (line 15): in order
# remark[SGL0364] 20:14-20:23: generations of the branches overlap where nothing waits, other code runs in order: it appends to a prompt of the surrounding code (line 20): in order
# remark[SGL0364] 20:5-22:17: generations of the branches overlap where nothing waits, other code runs in order: it appends to a prompt of the surrounding code (line 20): in order
# remark[SGL0364] 27:14-27:23: generations of the branches overlap where nothing waits, other code runs in order: it runs host code, `f` (line 28): in order
# remark[SGL0364] 27:5-29:16: generations of the branches overlap where nothing waits, other code runs in order: it runs host code, `f` (line 28): in order
