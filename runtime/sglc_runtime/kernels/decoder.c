/* Everything of a decoder but attention: norms, projections, rotation, the gated MLP, logits.
 *
 * Activations are float32. Rows are independent and every sum has one order (see linear.c), so a
 * row's result depends neither on the others nor on the number of threads; compile with
 * -ffp-contract=off and without -ffast-math.
 */
#include <math.h>

#include "linear.h"
#include "pool.h"
#include "vectors.h"

#define MIN_FLOATS 32768 /* numbers that are worth a part of their own in passes over rows */

typedef struct {
    Linear qkv, o, gate_up, down;
    const float *input_norm, *post_norm; /* [hidden] */
    const float *q_norm, *k_norm;        /* [dim] or NULL */
} Layer;

typedef struct {
    const float *cos, *sin; /* [positions, dim]; first half of sin negated */
    void *scratch;          /* sglc_scratch_size bytes for the rows of a call */
    int32_t hidden, heads, kv_heads, dim, inner;
    int32_t context; /* positions in the tables */
    float eps;
} Model;

static inline float sum_lanes(vec x) {
    float s[LANES];
    memcpy(s, &x, sizeof s);
    for (int n = LANES / 2; n; n /= 2)
        for (int i = 0; i < n; i++) s[i] = s[i] + s[i + n];
    return s[0];
}

/* RMSNorm of one row (arXiv 1910.07467); in and out may be the same. */
static void rms_norm(const float *x, const float *weight, float *out, int size, float eps) {
    vec squares[2] = {splat(0.0f), splat(0.0f)};
    int i = 0;
    for (; i + 2 * LANES <= size; i += 2 * LANES)
        for (int c = 0; c < 2; c++) {
            vec v = load(x + i + c * LANES);
            squares[c] = fma_vec(v, v, squares[c]);
        }
    float sum = sum_lanes(squares[0] + squares[1]);
    for (; i < size; i++) sum = FMA(x[i], x[i], sum);
    float scale = 1.0f / sqrtf(sum / (float)size + eps);
    for (i = 0; i < size; i++) out[i] = x[i] * scale * weight[i];
}

static void rotate(float *x, const float *cos, const float *sin, int dim) {
    int half = dim / 2;
    for (int d = 0; d < half; d++) {
        float a = x[d], b = x[d + half];
        x[d] = FMA(a, cos[d], b * sin[d]);
        x[d + half] = FMA(b, cos[d + half], a * sin[d + half]);
    }
}

/* What a pass over rows works on; the same struct for all of them. */
typedef struct {
    const Model *model;
    const Layer *layer;
    const float *x, *weight;
    const int64_t *index; /* positions, or rows of x that are wanted */
    float *out;
    int64_t rows;
} Pass;

static void run_pass(sglc_task task, Pass *pass, int64_t floats_per_row) {
    int64_t parts = pass->rows * floats_per_row / MIN_FLOATS, most = 4 * sglc_threads();
    if (parts > most) parts = most;
    if (parts > pass->rows) parts = pass->rows;
    sglc_parallel(task, pass, parts < 1 ? 1 : (int)parts);
}
#define ROWS_OF(pass, part, parts, r)                     \
    for (int64_t r = (pass)->rows * (part) / (parts),      \
                 r##_end = (pass)->rows * ((part) + 1) / (parts); \
         r < r##_end; r++)

static void norm_rows(void *arg, int part, int parts) {
    const Pass *p = arg;
    const int64_t hidden = p->model->hidden;
    ROWS_OF(p, part, parts, r)
        rms_norm(p->x + (p->index ? p->index[r] : r) * hidden, p->weight, p->out + r * hidden,
                 (int)hidden, p->model->eps);
}

static void rotate_rows(void *arg, int part, int parts) {
    const Pass *p = arg;
    const Model *m = p->model;
    const Layer *l = p->layer;
    ROWS_OF(p, part, parts, r) {
        float *head = p->out + r * l->qkv.outputs;
        const float *cos = m->cos + p->index[r] * m->dim, *sin = m->sin + p->index[r] * m->dim;
        for (int h = 0; h < m->heads + m->kv_heads; h++, head += m->dim) {
            const float *norm = h < m->heads ? l->q_norm : l->k_norm;
            if (norm) rms_norm(head, norm, head, m->dim, m->eps);
            rotate(head, cos, sin, m->dim);
        }
    }
}

/* out [rows, inner] = silu(gate) * up of x [rows, 2 * inner]. */
static void activate_rows(void *arg, int part, int parts) {
    const Pass *p = arg;
    const int64_t inner = p->model->inner;
    ROWS_OF(p, part, parts, r) {
        const float *gate = p->x + 2 * r * inner, *up = gate + inner;
        float *out = p->out + r * inner;
        int64_t i = 0;
        for (; i + LANES <= inner; i += LANES) {
            vec g = load(gate + i);
            store(out + i, g / (splat(1.0f) + exp_vec(-g)) * load(up + i));
        }
        for (; i < inner; i++) {
            float g = gate[i];
            out[i] = g / (1.0f + exp_vec(splat(-g))[0]) * up[i];
        }
    }
}

static int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

/* Bytes that `Model.scratch` has to have for calls with so many rows. `kind` is the layers' and the
 * head's, of which the larger counts. */
int64_t sglc_scratch_size(const Model *m, int kind, int64_t rows) {
    const int64_t wide = most(m->hidden, most(m->inner, (int64_t)m->heads * m->dim));
    const int64_t activations = m->hidden + 3 * (int64_t)m->inner;
    return rows * activations * 4 + sglc_linear_scratch(kind, (int)wide, rows);
}

/* qkv [rows, (heads + 2 kv_heads) * dim] of x [rows, hidden]: norm, projection, rotation.
 * Here and below: 0 is success, 2 a position or row out of range. */
int sglc_before_attention(const Model *m, const Layer *l, const float *x,
                          const int64_t *positions, int rows, float *qkv) {
    for (int r = 0; r < rows; r++)
        if (positions[r] < 0 || positions[r] >= m->context) return 2;
    float *normed = m->scratch;
    Pass norm = {m, l, x, l->input_norm, 0, normed, rows};
    Pass rotation = {m, l, 0, 0, positions, qkv, rows};
    run_pass(norm_rows, &norm, m->hidden);
    sglc_run_linear(&l->qkv, normed, rows, qkv, 0, normed + (int64_t)rows * m->hidden);
    run_pass(rotate_rows, &rotation, 2 * (int64_t)(m->heads + m->kv_heads) * m->dim);
    return 0;
}

/* x [rows, hidden] += o(attended), then += down(silu(gate) * up) of its norm. */
int sglc_after_attention(const Model *m, const Layer *l, const float *attended, int rows,
                         float *x) {
    const int64_t count = rows;
    float *normed = m->scratch, *gate_up = normed + count * m->hidden;
    float *active = gate_up + 2 * count * m->inner, *rest = active + count * m->inner;
    Pass norm = {m, l, x, l->post_norm, 0, normed, rows};
    Pass activation = {m, l, gate_up, 0, 0, active, rows};
    sglc_run_linear(&l->o, attended, rows, x, x, rest);
    run_pass(norm_rows, &norm, m->hidden);
    sglc_run_linear(&l->gate_up, normed, rows, gate_up, 0, rest);
    run_pass(activate_rows, &activation, 4 * (int64_t)m->inner);
    sglc_run_linear(&l->down, active, rows, x, x, rest);
    return 0;
}

/* logits [count, vocab] of those rows of x [rows, hidden] that `wanted` [count] lists. */
int sglc_logits(const Model *m, const float *norm, const Linear *head, const float *x,
                int rows, const int64_t *wanted, int count, float *logits) {
    for (int i = 0; i < count; i++)
        if (wanted[i] < 0 || wanted[i] >= rows) return 2;
    float *normed = m->scratch;
    Pass pass = {m, 0, x, norm, wanted, normed, count};
    run_pass(norm_rows, &pass, m->hidden);
    sglc_run_linear(head, normed, count, logits, 0, normed + (int64_t)count * m->hidden);
    return 0;
}
