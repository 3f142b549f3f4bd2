/* metal bf16: owns which kernels stand for which where activations are bf16, and whether this GPU
 * is to use them: all or none, so that a mistake there costs nothing but bf16. */
#include <stdio.h>

#include "backend/metal/metal_state.h"
#include "backend/self_test.h"
#include "metal/kernel_args.h"

enum { MOST_THREADS = ATTENTION_WIDE_THREADS }; /* of a threadgroup of any of these kernels */

static const metal_kernel TWINS[METAL_KERNEL_COUNT] = {
    [METAL_matrix_f16_64x64_rows] = METAL_matrix_bf16_64x64_rows,
    [METAL_matrix_f16_64x64_taps] = METAL_matrix_bf16_64x64_taps,
    [METAL_matrix_f16_64x32_rows] = METAL_matrix_bf16_64x32_rows,
    [METAL_matrix_f16_64x32_taps] = METAL_matrix_bf16_64x32_taps,
    [METAL_matrix_f16_direct_rows] = METAL_matrix_bf16_direct_rows,
    [METAL_matrix_f16_direct_taps] = METAL_matrix_bf16_direct_taps,
    [METAL_matrix_presum] = METAL_matrix_presum_bf16,
    [METAL_matrix_reduce_f16] = METAL_matrix_reduce_bf16,
    [METAL_elementwise] = METAL_elementwise_bf16,
    [METAL_arange] = METAL_arange_bf16,
    [METAL_timestep_embedding] = METAL_timestep_embedding_bf16,
    [METAL_latent_rgb] = METAL_latent_rgb_bf16,
    [METAL_embedding] = METAL_embedding_bf16,
    [METAL_layer_norm] = METAL_layer_norm_bf16,
    [METAL_layer_norm_any] = METAL_layer_norm_any_bf16,
    [METAL_group_norm_sum] = METAL_group_norm_sum_bf16,
    [METAL_group_norm_apply] = METAL_group_norm_apply_bf16,
    [METAL_attention_f16_40] = METAL_attention_bf16_40,
    [METAL_attention_f16_64] = METAL_attention_bf16_64,
    [METAL_attention_f16_80] = METAL_attention_bf16_80,
    [METAL_attention_f16_160] = METAL_attention_bf16_160,
    [METAL_attention_f16_wide] = METAL_attention_bf16_wide,
    [METAL_unpack] = METAL_unpack_bf16,
};

metal_kernel metal_kernel_in(sd_dtype storage, metal_kernel kernel) {
  return storage == SD_BF16 && TWINS[kernel] ? TWINS[kernel] : kernel;
}

metal_kernel metal_kernel_of(const node *n, metal_kernel kernel) {
  sd_dtype storage = n->out->dtype;
  for (int i = 0; i < IN_MAX; i++)
    if (n->in[i] && n->in[i]->dtype == SD_BF16) storage = SD_BF16;
  return metal_kernel_in(storage, kernel);
}

/* ---- whether it is used ---- */

/* NULL: all pipelines are there. */
static const char *bf16_find_lacking(char *out, size_t size, const metal_kernels *k) {
  for (int32_t i = 0; i < METAL_KERNEL_COUNT; i++) {
    const sd_pipeline_report *row = TWINS[i] ? &k->pipeline_rows[TWINS[i]] : NULL;
    if (!row || row->max_threads >= MOST_THREADS) continue;
    if (row->max_threads)
      snprintf(out, size, "the pipeline %s takes no more than %d threads", row->name,
               row->max_threads);
    else
      snprintf(out, size, "the pipeline %s is not there", row->name);
    return out;
  }
  return NULL;
}

/* Every operator with activations in bf16; *why stays NULL where all are right. */
static sd_status bf16_check_ops(const char **why, char *out, size_t size, metal_backend *m,
                                sd_error *error) {
  for (int32_t op = 0; op < OP_COUNT; op++) {
    sd_op_check row;
    const sd_status status = self_test_run_op_in(&row, &m->base, (op_kind)op, SD_BF16, error);
    if (status) return status;
    if (row.passed) continue;
    snprintf(out, size, "%s fails its check: the error is %.3g times what is allowed", row.op,
             row.error_ratio);
    *why = out;
    return SD_OK;
  }
  return SD_OK;
}

/* Takes all of it out of use; the library's report says why. */
static void bf16_refuse(metal_backend *m, sd_library_report *library, const char *why) {
  snprintf(m->bf16_refusal, sizeof m->bf16_refusal,
           "this GPU does not compute in bf16 (%.160s): choose f16", why);
  if (library->is_ready) library->log = m->bf16_refusal;
  library->is_ready = 0;
  for (int32_t i = 0; i < METAL_KERNEL_COUNT; i++)
    if (TWINS[i] && m->kernels.pipelines[TWINS[i]]) metal_refuse(m, TWINS[i], m->bf16_refusal);
}

sd_status metal_bf16_check(metal_backend *m, metal_finish finish, sd_error *error) {
  sd_library_report *library = metal_kernels_library(&m->kernels, METAL_unpack_bf16);
  char text[160];
  const char *why = NULL;
  sd_status status = SD_OK;
  if (!library->is_ready)
    why = library->language ? "its kernels did not compile" : library->log;
  else
    why = bf16_find_lacking(text, sizeof text, &m->kernels);
  if (!why) {
    uint32_t unread[MATRIX_FORM_COUNT] = {0};
    metal_tuning_check(unread, m, SD_BF16, finish);
    status = bf16_check_ops(&why, text, sizeof text, m, error);
  }
  if (why) bf16_refuse(m, library, why);
  return status;
}
