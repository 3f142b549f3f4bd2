/* self_test_cases: what the start-up check runs, as data: at least one case for each operator,
 * small and with the odd sizes at which kernels go wrong. Knows neither numbers nor a backend. */
#ifndef BACKEND_SELF_TEST_CASES_H
#define BACKEND_SELF_TEST_CASES_H

#include "graph/ops.h"

typedef struct self_test_shape {
  int32_t n, h, w, c; /* c 0: absent */
} self_test_shape;

typedef struct self_test_case {
  op_kind op;
  op_args args;
  self_test_shape in[IN_MAX]; /* by role, as in ops.h */
  self_test_shape out;        /* what the inputs leave open: arange, timestep_embedding and linear
                                 read c; embedding c and, as h, the table's rows; conv2d h, w, c */
  int32_t kernel;             /* conv2d: 1 or 3 */
  int32_t has_bias;           /* linear and conv2d */
  sd_dtype dtype;             /* arange: SD_F32 or SD_I32 */
  float spread;               /* of inputs around their mean; 0: 2 */
  int32_t in_pairs;           /* 1: of those multiplied in bf16 where a backend can; self_test_run
                                 checks them in that storage too */
  sd_dtype weight;            /* SD_F32: as the storage suits; else a block format */
} self_test_case;

/* NULL past the end. */
const self_test_case *self_test_case_at(int32_t index);

#endif
