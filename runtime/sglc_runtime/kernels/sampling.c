/* Logits to tokens: argmax, and one draw by inverse CDF with temperature, top-k, top-p and min-p.
 *
 * Each row is worked on alone and in one order, so that its token depends on nothing else. Sums are
 * double over floats; a block's order is fixed by LANES alone.
 */
#include <math.h>
#include <stdlib.h>

#define LANES 8
#include "vectors.h"

typedef struct {
    int32_t row;
    int32_t top_k; /* <= 0 keeps all */
    double inverse_temperature; /* 0 takes the largest */
    double top_p;  /* keep a token if the mass before it is at most this */
    double min_p;  /* keep a token if it has at least this share of the largest's probability */
    double uniform; /* in [0, 1) */
} Draw;

typedef struct {
    float weight;
    int32_t id;
} Candidate;

enum { BLOCK = 256 };

enum { STRIDE = 4 * LANES };

static float largest(const float *x, int n) {
    vec best[4];
    for (int u = 0; u < 4; u++) best[u] = splat(-INFINITY);
    int i = 0;
    for (; i + STRIDE <= n; i += STRIDE)
        for (int u = 0; u < 4; u++) best[u] = max_vec(load(x + i + u * LANES), best[u]);
    float most = -INFINITY;
    for (int u = 0; u < 4; u++)
        for (int l = 0; l < LANES; l++) most = best[u][l] > most ? best[u][l] : most;
    for (; i < n; i++) most = x[i] > most ? x[i] : most;
    return most;
}

static int any_lane(ivec mask) {
    int64_t words[LANES / 2], any = 0;
    memcpy(words, &mask, sizeof words);
    for (int w = 0; w < LANES / 2; w++) any |= words[w];
    return any != 0;
}

static int find(const float *x, int n, float value) {
    vec wanted = splat(value);
    int i = 0;
    for (; i + STRIDE <= n; i += STRIDE) {
        ivec equal = load(x + i) == wanted;
        for (int u = 1; u < 4; u++) equal |= load(x + i + u * LANES) == wanted;
        if (any_lane(equal)) break;
    }
    for (; i < n; i++)
        if (x[i] == value) return i;
    return 0;
}

/* exp((x - most) * scale) into `weights`, whose padding up to a whole block becomes 0; sums of
 * blocks into `sums`; returns the sum of all. */
static double exponentials(
    const float *x, int n, float most, float scale, float *weights, double *sums) {
    double total = 0;
    for (int start = 0; start < n; start += BLOCK) {
        vec sum = splat(0.0f);
        for (int i = start; i < start + BLOCK; i += LANES) {
            vec e;
            if (i + LANES <= n) {
                e = exp_vec((load(x + i) - splat(most)) * splat(scale));
            } else {
                e = splat(-INFINITY);
                for (int l = 0; i + l < n; l++) e[l] = x[i + l];
                e = exp_vec((e - splat(most)) * splat(scale));
            }
            store(weights + i, e);
            sum = sum + e;
        }
        double block = 0;
        for (int l = 0; l < LANES; l++) block += sum[l];
        sums[start / BLOCK] = block;
        total += block;
    }
    return total;
}

static int draw_from_all(
    const float *weights, const double *sums, int n, double target) {
    double before = 0;
    int block = 0, last = 0;
    while ((block + 1) * BLOCK < n && before + sums[block] <= target) before += sums[block++];
    for (int i = block * BLOCK; i < n; i++) {
        if (weights[i] <= 0) continue;
        before += weights[i];
        last = i;
        if (before > target) return i;
    }
    /* Rounding, at the very end: the last token that can come. */
    if (last == 0)
        for (int i = 0; i < n; i++)
            if (weights[i] > 0) last = i;
    return last;
}

static int comes_first(Candidate a, Candidate b) {
    return a.weight > b.weight || (a.weight == b.weight && a.id < b.id);
}

static void sift(Candidate *heap, int count, int at) {
    Candidate moving = heap[at];
    for (;;) {
        int child = 2 * at + 1;
        if (child >= count) break;
        if (child + 1 < count && comes_first(heap[child + 1], heap[child])) child++;
        if (!comes_first(heap[child], moving)) break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = moving;
}

/* Likeliest first, as far as the limits keep. The heap's end holds what has been taken from it. */
static int draw_from_kept(
    const Draw *draw, const float *weights, int n, double total, Candidate *heap) {
    /* What is rarer than this has together less mass than top-p drops: none of it is kept. */
    double floor = draw->top_p < 1 ? (1 - draw->top_p) * total / (2.0 * n) : 0;
    if (draw->min_p * 0.999 > floor) floor = draw->min_p * 0.999;
    vec bound = splat((float)floor);
    int count = 0;
    for (int i = 0; i < n; i += LANES) { /* padded: see `exponentials` */
        if (!any_lane(load(weights + i) >= bound)) continue;
        for (int l = 0; l < LANES; l++) {
            float weight = weights[i + l];
            if (weight > 0 && weight >= (float)floor && i + l < n)
                heap[count++] = (Candidate){weight, i + l};
        }
    }
    for (int at = count / 2 - 1; at >= 0; at--) sift(heap, count, at);
    int kept = 0, left = count;
    double mass = 0, smallest = draw->min_p * (count ? heap[0].weight : 0);
    while (left > 0 && (draw->top_k <= 0 || kept < draw->top_k) && mass <= draw->top_p * total) {
        Candidate best = heap[0];
        if (best.weight < smallest) break;
        heap[0] = heap[--left];
        sift(heap, left, 0);
        heap[left] = best;
        mass += best.weight;
        kept++;
    }
    double target = draw->uniform * mass, before = 0;
    for (int rank = 0; rank < kept; rank++) {
        Candidate candidate = heap[count - 1 - rank];
        before += candidate.weight;
        if (before > target) return candidate.id;
    }
    return kept ? heap[count - kept].id : 0;
}

/* A token for each of `count` draws from rows of logits [.., vocab]. Returns 1 without memory. */
int sglc_sample(const float *logits, int vocab, const Draw *draws, int count, int32_t *tokens) {
    float *weights = NULL;
    double *sums = NULL;
    Candidate *heap = NULL;
    int blocks = (vocab + BLOCK - 1) / BLOCK, status = 0;
    for (int i = 0; i < count; i++) {
        const Draw *draw = draws + i;
        const float *row = logits + (int64_t)draw->row * vocab;
        float most = largest(row, vocab);
        if (draw->inverse_temperature == 0 || most == -INFINITY || most == INFINITY) {
            tokens[i] = find(row, vocab, most);
            continue;
        }
        if (!weights) {
            weights = aligned_alloc(64, sizeof(float) * (int64_t)blocks * BLOCK);
            sums = malloc(sizeof(double) * blocks);
            heap = malloc(sizeof(Candidate) * (int64_t)vocab);
            if (!weights || !sums || !heap) {
                status = 1;
                break;
            }
        }
        double total = exponentials(
            row, vocab, most, (float)draw->inverse_temperature, weights, sums);
        int whole = (draw->top_k <= 0 || draw->top_k >= vocab) && draw->top_p >= 1 &&
                    draw->min_p <= 0;
        tokens[i] = whole ? draw_from_all(weights, sums, vocab, draw->uniform * total)
                          : draw_from_kept(draw, weights, vocab, total, heap);
    }
    free(weights);
    free(sums);
    free(heap);
    return status;
}
