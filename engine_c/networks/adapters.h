/* adapters: what LoRA files add to a model's weights, merged while a weight is uploaded. Owns the
 * model's list of adapters and the arithmetic of a merge; knows no file and no backend. The
 * weight's own data is never touched, so a model without adapters is what its file says, bit for
 * bit. */
#ifndef NETWORKS_ADAPTERS_H
#define NETWORKS_ADAPTERS_H

#include "networks/model.h"

/* Puts these in the place of the model's adapters; on an error it keeps those that it had. Packed
 * weights whose adapters change are dropped, all others stay. */
sd_status adapters_set(sd_model *model, const sd_adapter *adapters, int32_t count, sd_error *error);

void adapters_close(sd_model *model);

/* Uploads a weight with what its adapters add to it: computed in f32, stored as f32 where the
 * weight is f32 and else as f16, for bf16's 8 bits, f8's 3 and a block's would lose most of a small
 * change. */
sd_status adapters_upload(sd_model *model, weight *w, sd_error *error);

/* What adapters_upload takes for a while beside the packed weight; 0 for a weight without any. */
int64_t adapters_merge_bytes(const sd_model *model, const weight *w);

#endif
