/* self_test: the start-up check: each operator of ops.def on a small case, on the backend, against
 * a plain double-precision reference. */
#ifndef BACKEND_SELF_TEST_H
#define BACKEND_SELF_TEST_H

#include "backend/backend.h"

/* Fills up to `capacity` rows; *count is the number of operators. Every case with f32 and with f16
 * storage; those of products that are faster in bf16 with that as well, where the backend stores
 * it. Fails only where the backend cannot run at all; a wrong operator is a row that did not pass.
 */
sd_status self_test_run(sd_op_check *out, int32_t *count, backend *b, int32_t capacity,
                        sd_error *error);

/* One operator's row: every case of it, with f32 and with f16 storage. */
sd_status self_test_run_op(sd_op_check *row, backend *b, op_kind op, sd_error *error);

/* The same with one storage: SD_F32, SD_F16 or SD_BF16. */
sd_status self_test_run_op_in(sd_op_check *row, backend *b, op_kind op, sd_dtype storage,
                              sd_error *error);

#endif
