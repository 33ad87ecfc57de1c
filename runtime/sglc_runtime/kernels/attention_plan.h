/* The inside of an AttentionPlan, between attention_plan.c, which fills it, and attention.c. */
#ifndef SGLC_ATTENTION_PLAN_H
#define SGLC_ATTENTION_PLAN_H

#include <stdatomic.h>

#include "attention.h"

#define BLOCK 32       /* positions reduced together; the unit of the fixed order */
#define SPAN_BLOCKS 8  /* blocks whose sum is one summand of a row; spans may run side by side */
#define TILE_HEADS 64  /* rows times heads of a group that go over a block together */

/* Rows [row_from, row_to) have the first `count` positions of block number `block` in the same
 * slots: neighbours from `slot` on, or those at plan->slots[list] where slot is -1. */
typedef struct {
    int32_t row_from, row_to, block, count, slot, list;
} Segment;

struct AttentionPlan {
    AttentionPass pass;
    Segment *segments; /* by span, and for each row by position */
    int32_t *slots;
    int32_t *span_from; /* [span_count + 1]: where the segments of a span begin */
    int32_t segment_count, span_count;
    int32_t group, width;           /* heads of a KV head; dim rounded up to what is read at a time */
    int32_t tile_rows, tile_count;  /* the rows in tiles that one part of the work takes */
    int32_t splits;                 /* parts that the spans of a tile and head are spread over */
    float *partials;                /* [kv_heads, rows * group, span_count, width + 2] if splits > 1 */
    atomic_int *left;               /* [kv_heads, tile_count]: splits under way */
    double products;                /* of a query with a key, in all heads */

    /* Scratch of planning, and how much all of these hold. */
    Segment *unsorted;
    int32_t *pending; /* [rows, BLOCK]: slots of the block that a row has begun */
    int64_t *seen;    /* [rows]: positions covered so far */
    int32_t slot_count;
    int64_t segment_room, unsorted_room, slot_room, span_room, partial_room, left_room;
    int64_t pending_room, seen_room;
};

#endif
