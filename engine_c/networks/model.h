/* model: a checkpoint's weights and what is known of them. Lives as long as its sd_model. */
#ifndef NETWORKS_MODEL_H
#define NETWORKS_MODEL_H

#include "backend/backend.h"
#include "base/threads.h"
#include "graph/weights.h"

/* What SDXL's UNet is told beside the pooled text: original height and width, top and left of the
 * crop, height and width aimed at, each as a timestep embedding (Podell et al. 2023, "SDXL"). */
enum { MODEL_SIZES = 6, MODEL_SIZE_WIDTH = 256 };

struct sd_model {
  backend *backend;
  atomic_int *stop; /* the engine's: non-zero ends what runs */
  weight_table weights;
  arena adapter_memory; /* what the weights' adapters point to (adapters.c) */
  thread_pool *merging; /* NULL until there were adapters */
  int32_t threads;      /* that it gets, at least 1 */
  sd_model_config config;
  sd_model_info info;
};

/* model->backend, stop and threads are set. Reads all sizes off the names and shapes and checks the
 * configuration. Whether every layer is there is seen when the networks are recorded. */
sd_status model_open(sd_model *model, const sd_tensor *tensors, int32_t count,
                     const sd_model_config *config, sd_error *error);
void model_close(sd_model *model);

/* Frees what the backend holds of the weights; the next upload packs them again. */
void model_release(sd_model *model);

#endif
