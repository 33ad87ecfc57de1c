/* Attention over a paged KV pool on CPUs: online softmax over fixed blocks of positions.
 *
 * A row reduces over blocks of 32 absolute positions, blocks add up to spans of 256, and spans to
 * the row's result, each in order, whatever extents the positions lie in. Its result is therefore
 * bitwise the same for any batch, chunking, fork point, sharing of extents between rows and number
 * of threads. Compile with -ffp-contract=off and without -ffast-math: the source order is the
 * order of operations.
 *
 * Online softmax: Milakov and Gimelshein 2018 (arXiv 1805.02867); reading a shared prefix once for
 * all its rows: Hydragen (arXiv 2402.05099) and ChunkAttention (arXiv 2402.15220); spans side by
 * side: Flash-Decoding (Dao et al. 2023).
 */
#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define LANES 8
#include "attention_plan.h"
#include "pool.h"
#include "vectors.h"

#include "attention_tiles.h"
#include "attention_rows.h"

#define TOGETHER 24 /* states whose scores are held at once: a multiple of LANES and of 3 */
#define WIDEN 12    /* more states than this take a bfloat16 block as floats: widened once */
#define ALONE 100000       /* products of queries and keys that one thread does sooner than two */
#define STORE_ALONE 50000  /* elements likewise, for storing */
#define MASKED -1e30f

/* A state is one query head of a row: its maximum, sum and weighted values so far. */
typedef struct {
    float *acc, *maximum, *sum; /* [states, width], [states], [states] */
} States;

/* A tile of rows with one KV head. */
typedef struct {
    const AttentionPlan *plan;
    const AttentionLayer *layer;
    int head, row_from, row_to;
    int64_t lowest, highest; /* positions of its rows */
    float *q;                /* [states, width], scaled */
    float *wide;             /* [2, BLOCK, width]: keys and values of a block as floats */
    uint8_t *begin, *end;    /* [states]: what each sees of the block at hand */
    States span, total;
} Tile;

static inline vec cap_vec(vec s, float cap) { /* cap * tanh(s / cap) */
    vec e = exp_vec(s * splat(2.0f / cap));
    return splat(cap) - splat(2.0f * cap) / (e + splat(1.0f));
}
static inline float sum_lanes(vec x) {
    x = x + SHUFFLE(x, x, 4, 5, 6, 7, 0, 1, 2, 3);
    x = x + SHUFFLE(x, x, 2, 3, 0, 1, 6, 7, 4, 5);
    return x[0] + x[1];
}
static inline float max_lanes(vec x) {
    x = max_vec(x, SHUFFLE(x, x, 4, 5, 6, 7, 0, 1, 2, 3));
    x = max_vec(x, SHUFFLE(x, x, 2, 3, 0, 1, 6, 7, 4, 5));
    return x[0] > x[1] ? x[0] : x[1];
}

/* Scores to weights: soft cap, mask, new maximum, exp. Returns what the old sums are scaled by. */
static void soften(float *s, float *rescale, int count, const uint8_t *begin, const uint8_t *end,
                   float softcap, float *maximum, float *sum) {
    const ivec lanes = {0, 1, 2, 3, 4, 5, 6, 7};
    for (int r = 0; r < count; r++) {
        vec x[BLOCK / LANES];
        UNROLL for (int c = 0; c < BLOCK / LANES; c++) x[c] = load(s + r * BLOCK + c * LANES);
        if (softcap != 0.0f)
            UNROLL for (int c = 0; c < BLOCK / LANES; c++) x[c] = cap_vec(x[c], softcap);
        if (begin[r] > 0 || end[r] < BLOCK)
            UNROLL for (int c = 0; c < BLOCK / LANES; c++) {
                ivec lane = lanes + c * LANES;
                x[c] = select_vec((lane >= begin[r]) & (lane < end[r]), x[c], splat(MASKED));
            }
        float m = max_lanes(max_vec(max_vec(x[0], x[1]), max_vec(x[2], x[3]))), old = maximum[r];
        if (!(m > old)) m = old;
        rescale[r] = old - m;
        maximum[r] = m;
        UNROLL for (int c = 0; c < BLOCK / LANES; c++)
            store(s + r * BLOCK + c * LANES, x[c] - splat(m));
    }
    for (int r = 0; r < count; r += LANES) store(rescale + r, exp_vec(load(rescale + r)));
    for (int r = 0; r < count; r++) {
        vec x[BLOCK / LANES];
        UNROLL for (int c = 0; c < BLOCK / LANES; c++) {
            x[c] = exp_vec(load(s + r * BLOCK + c * LANES));
            store(s + r * BLOCK + c * LANES, x[c]);
        }
        sum[r] = FMA(sum[r], rescale[r], sum_lanes((x[0] + x[1]) + (x[2] + x[3])));
    }
}

/* Add weighted values to `rows` states, which may see different keys: the common ones together. */
static void add_values(int wide, int rows, float *acc, int width, float *rescale, const float *s,
                       const void *const *values, const uint8_t *begin, const uint8_t *end) {
    int from = begin[0], to = end[0];
    const float one = 1.0f;
    for (int r = 1; r < rows; r++) {
        if (begin[r] > from) from = begin[r];
        if (end[r] < to) to = end[r];
    }
    const Values add_one = values_of[wide][1];
    if (from >= to) {
        for (int r = 0; r < rows; r++)
            add_one(acc + r * width, width, rescale + r, s + r * BLOCK, values, begin[r], end[r]);
        return;
    }
    for (int r = 0; r < rows; r++)
        if (begin[r] < from) {
            add_one(acc + r * width, width, rescale + r, s + r * BLOCK, values, begin[r], from);
            rescale[r] = 1.0f;
        }
    values_of[wide][rows](acc, width, rescale, s, values, from, to);
    for (int r = 0; r < rows; r++)
        if (to < end[r])
            add_one(acc + r * width, width, &one, s + r * BLOCK, values, to, end[r]);
}

/* How many of `left` states go into registers together next. */
static inline int together(int half_width, int left) {
    if (left == 1) return 1;
    return half_width || left == 4 || left == 2 ? 2 : 3;
}

/* Reduce one block for states [index, index + count), each of which sees some of its keys. */
static void reduce_states(Tile *t, int half_width, int index, int count, const void *const *keys,
                          const void *const *values) {
    const int width = t->plan->width;
    float s[TOGETHER * BLOCK] __attribute__((aligned(32)));
    float rescale[TOGETHER] __attribute__((aligned(32)));
    memset(rescale, 0, sizeof rescale);
    for (; count > 0; count -= TOGETHER, index += TOGETHER) {
        const int rows = count < TOGETHER ? count : TOGETHER;
        const float *q = t->q + (int64_t)index * width;
        float *acc = t->span.acc + (int64_t)index * width;
        const uint8_t *begin = t->begin + index, *end = t->end + index;
        for (int r = 0, n; r < rows; r += n) {
            n = together(half_width, rows - r);
            int from = BLOCK, to = 0;
            for (int i = r; i < r + n; i++) {
                if (begin[i] < from) from = begin[i];
                if (end[i] > to) to = end[i];
            }
            from = from / 4 * 4, to = (to + 3) / 4 * 4;
            scores_of[half_width][n](q + r * width, width, keys + from, to - from,
                                     s + r * BLOCK + from);
        }
        soften(s, rescale, rows, begin, end, t->layer->softcap, t->span.maximum + index,
               t->span.sum + index);
        for (int r = 0, n; r < rows; r += n) {
            n = together(half_width, rows - r);
            add_values(half_width, n, acc + r * width, width, rescale + r, s + r * BLOCK, values,
                       begin + r, end + r);
        }
    }
}

/* Where the keys and values of a segment lie; those beyond its count repeat the last. */
static void locate(const Tile *t, const Segment *segment, const void **keys,
                   const void **values) {
    const AttentionPass *pass = &t->plan->pass;
    const int64_t size = pass->bf16 ? 2 : 4, step = pass->dim * size;
    const char *k = (const char *)t->layer->keys + t->head * pass->slots * step;
    const char *v = (const char *)t->layer->values + t->head * pass->slots * step;
    const int32_t *list = segment->slot < 0 ? t->plan->slots + segment->list : NULL;
    for (int j = 0; j < BLOCK; j++) {
        int at = j < segment->count ? j : segment->count - 1;
        int64_t slot = list ? list[at] : segment->slot + at;
        keys[j] = k + slot * step;
        values[j] = v + slot * step;
    }
}

/* The first `count` rows as floats; the others repeat the last. */
static void widen_rows(const Tile *t, int count, const void **rows, float *to) {
    const AttentionPass *pass = &t->plan->pass;
    for (int j = 0; j < count; j++, to += t->plan->width) {
        read_row(rows[j], pass->bf16, pass->bf16, pass->dim, 1.0f, to);
        rows[j] = to;
    }
    for (int j = count; j < BLOCK; j++) rows[j] = rows[count - 1];
}

static void begin_span(Tile *t) {
    const int states = (t->row_to - t->row_from) * t->plan->group;
    memset(t->span.acc, 0, (int64_t)states * t->plan->width * sizeof *t->span.acc);
    for (int i = 0; i < states; i++) t->span.maximum[i] = MASKED, t->span.sum[i] = 0.0f;
}

/* Reduce a segment for those of the tile's rows that see any of it; 1 if there were any. */
static int reduce_segment(Tile *t, const Segment *segment, int touched) {
    const int64_t first = (int64_t)segment->block * BLOCK;
    const int window = t->layer->window, group = t->plan->group;
    int from = segment->row_from > t->row_from ? segment->row_from : t->row_from;
    int to = segment->row_to < t->row_to ? segment->row_to : t->row_to;
    if (from >= to || first > t->highest) return touched;
    if (window && first + BLOCK <= t->lowest - window + 1) return touched;
    const void *keys[BLOCK], *values[BLOCK];
    int located = 0, half_width = 0, start = from;
    for (int row = from; row <= to; row++) {
        int begin = 0, end = 0;
        if (row < to) {
            int64_t visible = t->plan->pass.positions[row] - first + 1;
            int64_t hidden = window ? visible - window : 0;
            begin = hidden > 0 ? (hidden < BLOCK ? (int)hidden : BLOCK) : 0;
            end = visible > segment->count ? segment->count : (int)(visible > 0 ? visible : 0);
        }
        if (begin < end) {
            int index = (row - t->row_from) * group;
            memset(t->begin + index, begin, group);
            memset(t->end + index, end, group);
            continue;
        }
        if (row > start) {
            if (!touched) begin_span(t);
            touched = 1;
            if (!located) {
                const AttentionPass *pass = &t->plan->pass;
                locate(t, segment, keys, values);
                half_width = pass->bf16;
                if (t->plan->width != pass->dim || (half_width && (to - from) * group > WIDEN)) {
                    widen_rows(t, segment->count, keys, t->wide);
                    widen_rows(t, segment->count, values, t->wide + BLOCK * t->plan->width);
                    half_width = 0;
                }
                located = 1;
            }
            reduce_states(t, half_width, (start - t->row_from) * group, (row - start) * group,
                          keys, values);
        }
        start = row + 1;
    }
    return touched;
}

/* Add a span to what came before it, state by state. */
static void merge(const States *total, const States *span, int states, int width) {
    for (int i = 0; i < states; i++) {
        float *to = total->acc + (int64_t)i * width;
        const float *from = span->acc + (int64_t)i * width;
        if (span->sum[i] == 0.0f) continue; /* saw nothing of it */
        if (total->sum[i] == 0.0f) {
            memcpy(to, from, width * sizeof *to);
            total->maximum[i] = span->maximum[i];
            total->sum[i] = span->sum[i];
            continue;
        }
        float a = total->maximum[i], b = span->maximum[i], m = a > b ? a : b;
        vec scales = exp_vec((vec){a - m, b - m});
        float keep = scales[0], take = scales[1];
        for (int d = 0; d < width; d += LANES)
            store(to + d, fma_vec(load(to + d), splat(keep), load(from + d) * splat(take)));
        total->sum[i] = FMA(total->sum[i], keep, span->sum[i] * take);
        total->maximum[i] = m;
    }
}

/* Queries of the tile, scaled and as floats. */
static void begin_tile(Tile *t) {
    const AttentionPass *pass = &t->plan->pass;
    const AttentionLayer *layer = t->layer;
    const int dim = pass->dim, group = t->plan->group;
    float *q = t->q;
    t->lowest = t->highest = pass->positions[t->row_from];
    for (int row = t->row_from; row < t->row_to; row++) {
        int64_t position = pass->positions[row];
        if (position < t->lowest) t->lowest = position;
        if (position > t->highest) t->highest = position;
        for (int g = 0; g < group; g++, q += t->plan->width) {
            int64_t from = row * layer->q_stride + (t->head * group + g) * layer->q_head;
            const char *row_q = (const char *)layer->q + from * (layer->bf16 ? 2 : 4);
            read_row(row_q, layer->bf16, pass->bf16, dim, layer->scale, q);
        }
    }
}

/* Sinks, which take part in the softmax and have no value; then the weighted means. */
static void finish_tile(const Tile *t, const States *total) {
    const AttentionPass *pass = &t->plan->pass;
    const AttentionLayer *layer = t->layer;
    const int dim = pass->dim, group = t->plan->group;
    for (int row = t->row_from, i = 0; row < t->row_to; row++)
        for (int g = 0; g < group; g++, i++) {
            const int head = t->head * group + g;
            float sum = total->sum[i], scale = 1.0f;
            if (layer->sinks) {
                float sink = layer->sinks[head], old = total->maximum[i];
                float m = sink > old ? sink : old;
                vec scales = exp_vec((vec){old - m, sink - m});
                scale = scales[0];
                sum = FMA(sum, scale, scales[1]);
            }
            scale = scale / sum;
            const float *acc = total->acc + (int64_t)i * t->plan->width;
            int64_t to = ((int64_t)row * pass->heads + head) * dim;
            char *out = (char *)layer->out + to * (layer->bf16 ? 2 : 4);
            write_row(acc, pass->bf16, scale, out, layer->bf16, dim);
        }
}

/* Memory of this thread, freed when it ends. */
static pthread_once_t scratch_once = PTHREAD_ONCE_INIT;
static pthread_key_t scratch_key;
static _Thread_local struct {
    char *memory;
    size_t size;
} scratch;

static void make_scratch_key(void) { pthread_key_create(&scratch_key, free); }

static char *get_scratch(size_t size) {
    if (size > scratch.size) {
        char *memory = aligned_alloc(64, (size + 63) / 64 * 64);
        if (!memory) return NULL;
        pthread_once(&scratch_once, make_scratch_key);
        free(scratch.memory);
        scratch.memory = memory;
        scratch.size = size;
        pthread_setspecific(scratch_key, memory);
    }
    return scratch.memory;
}

typedef struct {
    AttentionPlan *plan;
    const AttentionLayer *layer;
    atomic_int failed;
} Job;

/* States of a tile and span among the plan's partial results. */
static States partial(const AttentionPlan *plan, int head, int row, int span) {
    const int64_t states = (int64_t)plan->pass.rows * plan->group;
    const int64_t all = plan->pass.kv_heads * plan->span_count * states;
    const int64_t at = (head * (int64_t)plan->span_count + span) * states + row * plan->group;
    float *maximum = plan->partials + all * plan->width;
    return (States){plan->partials + at * plan->width, maximum + at, maximum + all + at};
}

/* The spans of one split, each left among the partial results; whoever ends last adds them up. */
static void run_split(Tile *t, int tile, int split) {
    AttentionPlan *plan = (AttentionPlan *)t->plan;
    const int states = (t->row_to - t->row_from) * plan->group, spans = plan->span_count;
    const int end = (int)((int64_t)spans * (split + 1) / plan->splits);
    for (int s = (int)((int64_t)spans * split / plan->splits); s < end; s++) {
        t->span = partial(plan, t->head, t->row_from, s);
        int touched = 0;
        for (int n = plan->span_from[s]; n < plan->span_from[s + 1]; n++)
            touched = reduce_segment(t, plan->segments + n, touched);
        if (!touched) memset(t->span.sum, 0, states * sizeof *t->span.sum);
    }
    if (atomic_fetch_sub(plan->left + t->head * plan->tile_count + tile, 1) > 1) return;
    States total = partial(plan, t->head, t->row_from, 0);
    for (int s = 1; s < spans; s++) {
        States next = partial(plan, t->head, t->row_from, s);
        merge(&total, &next, states, plan->width);
    }
    finish_tile(t, &total);
}

static void run_tile(Tile *t) {
    const AttentionPlan *plan = t->plan;
    const int states = (t->row_to - t->row_from) * plan->group;
    int begun = 0;
    for (int s = 0; s < plan->span_count; s++) {
        int touched = 0;
        for (int n = plan->span_from[s]; n < plan->span_from[s + 1]; n++)
            touched = reduce_segment(t, plan->segments + n, touched);
        if (!touched) continue;
        if (begun) merge(&t->total, &t->span, states, plan->width);
        else {
            States first = t->span;
            t->span = t->total;
            t->total = first;
            begun = 1;
        }
    }
    finish_tile(t, &t->total);
}

static void attend_part(void *arg, int part, int parts) {
    Job *job = arg;
    AttentionPlan *plan = job->plan;
    const int per_head = parts / plan->pass.kv_heads, splits = plan->splits;
    /* Later tiles see more keys, and long parts are best begun first. */
    const int tile = plan->tile_count - 1 - part % per_head / splits;
    const int states = plan->tile_rows * plan->group, width = plan->width;
    const size_t vectors = 3 * (size_t)states + 2 * BLOCK;
    char *memory = get_scratch((vectors * width + 4 * states) * sizeof(float) + 2 * states);
    if (!memory) {
        atomic_store(&job->failed, 1);
        return;
    }
    Tile t = {.plan = plan, .layer = job->layer, .head = part / per_head};
    t.row_from = tile * plan->tile_rows;
    t.row_to = t.row_from + plan->tile_rows;
    if (t.row_to > plan->pass.rows) t.row_to = plan->pass.rows;
    t.q = (float *)memory;
    t.wide = t.q + (size_t)states * width;
    t.span.acc = t.wide + 2 * BLOCK * (size_t)width;
    t.total.acc = t.span.acc + (size_t)states * width;
    t.span.maximum = t.total.acc + (size_t)states * width;
    t.span.sum = t.span.maximum + states;
    t.total.maximum = t.span.sum + states;
    t.total.sum = t.total.maximum + states;
    t.begin = (uint8_t *)(t.total.sum + states);
    t.end = t.begin + states;
    begin_tile(&t);
    if (splits > 1) run_split(&t, tile, part % splits);
    else run_tile(&t);
}

/* Keys and values of one head into the pool. */
static void store_part(void *arg, int part, int parts) {
    const Job *job = arg;
    const AttentionPass *pass = &job->plan->pass;
    const AttentionLayer *layer = job->layer;
    const int64_t step = (int64_t)pass->dim * (pass->bf16 ? 2 : 4), size = layer->bf16 ? 2 : 4;
    for (int row = 0; row < pass->rows; row++) {
        const int64_t to = (part * pass->slots + pass->out_slots[row]) * step;
        const int64_t k = row * layer->k_stride + part * layer->k_head;
        const int64_t v = row * layer->v_stride + part * layer->v_head;
        store_row((const char *)layer->k + k * size, layer->bf16, (char *)layer->keys + to,
                  pass->bf16, pass->dim);
        store_row((const char *)layer->v + v * size, layer->bf16, (char *)layer->values + to,
                  pass->bf16, pass->dim);
    }
}

static void run_parts(sglc_task task, Job *job, int parts, int alone) {
    if (alone)
        for (int part = 0; part < parts; part++) task(job, part, parts);
    else sglc_parallel(task, job, parts);
}

int sglc_attend(AttentionPlan *plan, const AttentionLayer *layer) {
    const AttentionPass *pass = &plan->pass;
    const int parts = pass->kv_heads * plan->tile_count;
    const int64_t elements = (int64_t)pass->rows * pass->kv_heads * pass->dim;
    Job job = {.plan = plan, .layer = layer};
    run_parts(store_part, &job, pass->kv_heads, elements < STORE_ALONE);
    if (plan->splits > 1)
        for (int n = 0; n < parts; n++) atomic_init(plan->left + n, plan->splits);
    run_parts(attend_part, &job, parts * plan->splits, plan->products < ALONE);
    return atomic_load(&job.failed) ? 2 : 0;
}
