/* Plans of a pass: its runs as blocks of positions, and how the work is cut into parts.
 *
 * Blocks lie at absolute positions, [0, 32), [32, 64), ..., whatever extents the positions lie in.
 * A block that several rows have in the same slots becomes one segment of all these rows. How the
 * rows are cut into tiles and the spans into splits changes no result: see attention.c.
 */
#include "attention_plan.h"

#include <stdlib.h>
#include <string.h>

#include "pool.h"

#define PAIR 16 /* floats that the kernels read at a time */
#define PARTS_PER_THREAD 4 /* so that threads end together */
#define MOST_PARTIALS (4 << 20) /* floats */
#define SPLIT_PRODUCTS 200000   /* of a span's share of a query and head: below, splits cost more */

/* Room for `count` elements; 0 when there is no memory. */
#define ROOM(plan, field, room, count) reserve((void **)&(plan)->field, &(plan)->room, count, \
                                               sizeof *(plan)->field)
static int reserve(void **memory, int64_t *room, int64_t count, size_t size) {
    if (count <= *room && *memory) return 1;
    int64_t wanted = count + count / 2 + 16;
    void *more = realloc(*memory, wanted * size);
    if (!more) return 0;
    *memory = more;
    *room = wanted;
    return 1;
}

AttentionPlan *sglc_attention_plan_new(void) { return calloc(1, sizeof(AttentionPlan)); }

void sglc_attention_plan_free(AttentionPlan *plan) {
    if (!plan) return;
    free(plan->segments);
    free(plan->unsorted);
    free(plan->slots);
    free(plan->span_from);
    free(plan->partials);
    free(plan->left);
    free(plan->pending);
    free(plan->seen);
    free(plan);
}

static int check(const AttentionPass *pass) {
    for (int row = 0; row < pass->rows; row++) {
        if (pass->out_slots[row] < 0 || pass->out_slots[row] >= pass->slots) return 3;
        if (pass->positions[row] < 0) return 3;
    }
    for (int n = 0; n < pass->run_count; n++) {
        const AttentionRun *run = pass->runs + n;
        if (run->row_start < 0 || run->row_end > pass->rows || run->length < 0) return 3;
        if (run->slot_start < 0 || (int64_t)run->slot_start + run->length > pass->slots) return 3;
    }
    return 0;
}

/* Note a block of rows [from, to), its slots given or neighbours from `slot` on. */
static int emit(AttentionPlan *plan, int from, int to, int block, int count, int slot,
                const int32_t *slots) {
    if (!ROOM(plan, unsorted, unsorted_room, plan->segment_count + 1)) return 2;
    int at = 0;
    if (slots) {
        slot = slots[0];
        for (int j = 1; j < count; j++)
            if (slots[j] != slot + j) {
                slot = -1;
                break;
            }
        if (slot < 0) {
            at = plan->slot_count;
            if (!ROOM(plan, slots, slot_room, at + count)) return 2;
            memcpy(plan->slots + at, slots, count * sizeof *slots);
            plan->slot_count += count;
        }
    }
    plan->unsorted[plan->segment_count++] = (Segment){from, to, block, count, slot, at};
    if (block / SPAN_BLOCKS >= plan->span_count) plan->span_count = block / SPAN_BLOCKS + 1;
    return 0;
}

/* Note the begun block of rows [from, to), rows with equal slots together. */
static int flush(AttentionPlan *plan, int from, int to) {
    const int64_t *seen = plan->seen;
    int status = 0;
    while (from < to && !status) {
        int count = (int)((seen[from] - 1) % BLOCK + 1);
        const int32_t *slots = plan->pending + (int64_t)from * BLOCK;
        int next = from + 1;
        while (next < to && seen[next] == seen[from] &&
               !memcmp(slots, plan->pending + (int64_t)next * BLOCK, count * sizeof *slots))
            next++;
        status = emit(plan, from, next, (int)((seen[from] - 1) / BLOCK), count, 0, slots);
        from = next;
    }
    return status;
}

/* Cut one run into blocks: it may end one that other runs began, and begin one. */
static int cut(AttentionPlan *plan, const AttentionRun *run) {
    int64_t *seen = plan->seen;
    int status = 0, done = 0;
    const int offset = run->position % BLOCK;
    for (int row = run->row_start; row < run->row_end; row++)
        if (seen[row] != run->position) return 1;
    if (run->row_start >= run->row_end) return 0;
    if (offset) {
        done = BLOCK - offset < run->length ? BLOCK - offset : run->length;
        for (int row = run->row_start; row < run->row_end; row++) {
            int32_t *slots = plan->pending + (int64_t)row * BLOCK + offset;
            for (int j = 0; j < done; j++) slots[j] = run->slot_start + j;
            seen[row] += done;
        }
        if (offset + done == BLOCK) status = flush(plan, run->row_start, run->row_end);
    }
    for (; done + BLOCK <= run->length && !status; done += BLOCK)
        status = emit(plan, run->row_start, run->row_end, (run->position + done) / BLOCK, BLOCK,
                      run->slot_start + done, NULL);
    for (int row = run->row_start; row < run->row_end; row++) {
        int32_t *slots = plan->pending + (int64_t)row * BLOCK;
        for (int j = 0; j < run->length - done; j++) slots[j] = run->slot_start + done + j;
        seen[row] = (int64_t)run->position + run->length;
    }
    return status;
}

/* All runs as segments, and for each row its last, begun block. */
static int cut_runs(AttentionPlan *plan) {
    const AttentionPass *pass = &plan->pass;
    const int64_t *seen = plan->seen;
    for (int n = 0; n < pass->run_count; n++) {
        int status = cut(plan, pass->runs + n);
        if (status) return status;
    }
    for (int row = 0; row < pass->rows; row++)
        if (seen[row] <= pass->positions[row]) return 1;
    for (int from = 0, to; from < pass->rows; from = to) {
        to = from + 1;
        if (seen[from] % BLOCK == 0) continue;
        while (to < pass->rows && seen[to] % BLOCK) to++;
        int status = flush(plan, from, to);
        if (status) return status;
    }
    return 0;
}

/* Sort by span, keeping the order within each. */
static int sort_segments(AttentionPlan *plan) {
    const int spans = plan->span_count;
    if (!ROOM(plan, span_from, span_room, spans + 2)) return 2;
    if (!ROOM(plan, segments, segment_room, plan->segment_count + 1)) return 2;
    int32_t *at = plan->span_from + 1;
    memset(plan->span_from, 0, (spans + 2) * sizeof *at);
    for (int n = 0; n < plan->segment_count; n++)
        at[plan->unsorted[n].block / SPAN_BLOCKS + 1]++;
    for (int s = 0; s < spans; s++) at[s + 1] += at[s];
    for (int n = 0; n < plan->segment_count; n++) {
        const Segment *segment = plan->unsorted + n;
        plan->segments[at[segment->block / SPAN_BLOCKS]++] = *segment;
    }
    return 0;
}

/* Cut the work: tiles of rows, and where these are few for the threads, spans side by side. */
static int divide(AttentionPlan *plan) {
    const AttentionPass *pass = &plan->pass;
    const int threads = sglc_threads();
    plan->group = pass->heads / pass->kv_heads;
    plan->width = (pass->dim + PAIR - 1) / PAIR * PAIR;
    plan->tile_rows = plan->group < TILE_HEADS ? TILE_HEADS / plan->group : 1;
    plan->tile_count = (pass->rows + plan->tile_rows - 1) / plan->tile_rows;
    plan->splits = 1;
    double keys = 0;
    for (int n = 0; n < plan->segment_count; n++) {
        const Segment *segment = plan->segments + n;
        keys += (double)segment->count * (segment->row_to - segment->row_from);
    }
    plan->products = keys * pass->heads * pass->dim;
    const int parts = plan->tile_count * pass->kv_heads, wanted = threads * PARTS_PER_THREAD;
    const int64_t floats =
        (int64_t)pass->heads * pass->rows * plan->span_count * (plan->width + 2);
    if (threads > 1 && parts > 0 && parts < wanted && floats <= MOST_PARTIALS) {
        int splits = (wanted + parts - 1) / parts;
        int worth = (int)(plan->products / parts / SPLIT_PRODUCTS);
        splits = splits < worth ? splits : worth;
        plan->splits = splits < plan->span_count ? (splits > 1 ? splits : 1) : plan->span_count;
    }
    if (plan->splits == 1) return 0;
    if (!ROOM(plan, partials, partial_room, floats)) return 2;
    return ROOM(plan, left, left_room, parts) ? 0 : 2;
}

int sglc_attention_plan(AttentionPlan *plan, const AttentionPass *pass) {
    plan->pass = *pass;
    plan->segment_count = plan->slot_count = plan->span_count = 0;
    int status = check(pass);
    if (status) return status;
    if (!ROOM(plan, seen, seen_room, pass->rows)) return 2;
    if (!ROOM(plan, pending, pending_room, (int64_t)pass->rows * BLOCK)) return 2;
    memset(plan->seen, 0, pass->rows * sizeof *plan->seen);
    status = cut_runs(plan);
    if (!status) status = sort_segments(plan);
    return status ? status : divide(plan);
}
