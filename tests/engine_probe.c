/* engine_probe: runs one network of a model alone, so that a test can hold it against a reference.
 * engine_probe.py hands the part between the marker lines to cffi, after engine.h's. */
#include <stdlib.h>
#include <string.h>

#include "backend/cpu/cpu_backend.h"
#include "graph/plan.h"
#include "networks/clip.h"
#include "networks/taesd.h"
#include "networks/unet.h"
#include "networks/vae.h"
#include "sampling/conditioning.h"

/* binding begins */

typedef enum probe_network {
  PROBE_TEXT,
  PROBE_TEXT_PROJECTED,
  PROBE_UNET,
  PROBE_VAE_DECODE,
  PROBE_VAE_ENCODE,
  PROBE_TAESD_DECODE,
  PROBE_TAESD_ENCODE
} probe_network;

typedef struct probe_call {
  probe_network network;
  const sd_tensor *tensors;
  int32_t tensor_count;
  int32_t text_heads, unet_heads, unet_head_size, clip_skip;
  const void *input; /* ids i32 or floats [n][h][w][c] */
  int32_t n, h, w, c;
  float timestep;
  const float *context; /* unet: [context_n][context_tokens][width] */
  int32_t context_n, context_tokens, context_width;
  const float *vector; /* unet: [n][vector_width] or NULL */
  int32_t vector_width;
  const char *encoder; /* text: "text" or "text2" */
  int32_t is_normed;
  sd_dtype precision;
  float *out; /* [n][h][w][c] of the output, out_capacity floats long */
  int64_t out_capacity;
  int32_t out_shape[4];
} probe_call;

sd_status probe_network_run(probe_call *call, sd_error *error);

/* binding ends */

typedef struct probe_state {
  probe_call *call;
  backend *b;
  weight_table weights;
  graph context_graph, g;
  unet_context context;
  tensor *in[3], *context_in, *vector_in, *out;
} probe_state;

static void probe_record_context(probe_state *s) {
  const probe_call *c = s->call;
  network net = {&s->context_graph, &s->weights};
  graph_open(net.g, c->precision);
  s->context_in = graph_input(net.g, SD_F32, c->context_n, 1, c->context_tokens, c->context_width);
  if (c->vector) s->vector_in = graph_input(net.g, SD_F32, c->n, 1, 1, c->vector_width);
  unet_project_context(&net, s->context_in, s->vector_in, &s->context);
  plan_place(net.g, 0);
}

static tensor *probe_record_text(const probe_call *c, const network *net, tensor *ids) {
  const int is_second = !strcmp(c->encoder, CLIP_SECOND);
  clip_config config = {c->encoder, c->text_heads, c->clip_skip, c->is_normed,
                        is_second ? ACT_GELU : ACT_QUICK_GELU};
  tensor *projected = NULL;
  const int projects = c->network == PROBE_TEXT_PROJECTED;
  tensor *rows = clip_encode(net, &config, ids, NULL, projects ? &projected : NULL);
  return ops_cast(net->g, projects ? projected : rows, SD_F32);
}

static tensor *probe_record_network(probe_state *s, const network *net) {
  const probe_call *c = s->call;
  const int is_text = c->network == PROBE_TEXT || c->network == PROBE_TEXT_PROJECTED;
  sd_dtype dtype = is_text ? SD_I32 : SD_F32;
  s->in[0] = graph_input(net->g, dtype, c->n, c->h, c->w, c->c);
  switch (c->network) {
    case PROBE_TEXT:
    case PROBE_TEXT_PROJECTED:
      return probe_record_text(c, net, s->in[0]);
    case PROBE_VAE_DECODE:
      return vae_decode(net, s->in[0]);
    case PROBE_VAE_ENCODE:
      return vae_encode(net, s->in[0]);
    case PROBE_TAESD_DECODE:
      return taesd_decode(net, s->in[0]);
    case PROBE_TAESD_ENCODE:
      return taesd_encode(net, s->in[0]);
    case PROBE_UNET:
      break;
  }
  unet_config config = {c->unet_heads, c->unet_head_size};
  s->in[1] = graph_input(net->g, SD_F32, 1, 1, 1, 1);
  s->in[2] = graph_input(net->g, SD_I32, 1, 1, 1, c->context_n);
  return unet_predict(net, &config, s->in[0], s->in[1], s->in[2], &s->context);
}

static void probe_record(probe_state *s) {
  if (s->call->network == PROBE_UNET) probe_record_context(s);
  network net = {&s->g, &s->weights};
  graph_open(&s->g, s->call->precision);
  s->out = graph_keep(probe_record_network(s, &net));
  plan_place(&s->g, s->context_graph.arena_bytes);
}

static void probe_upload(void *user, weight *w) {
  backend *b = user;
  b->table->upload(b, w, NULL);
}

static void probe_drop(void *user, weight *w) {
  backend *b = user;
  if (w->packed) b->table->drop(b, w);
}

static sd_status probe_run_context(probe_state *s, sd_error *error) {
  const probe_call *c = s->call;
  const graph *g = &s->context_graph;
  run_report report;
  graph_each_weight(g, probe_upload, s->b);
  memcpy(s->b->table->address(s->b, s->context_in), c->context,
         (size_t)tensor_bytes(s->context_in));
  if (s->vector_in)
    memcpy(s->b->table->address(s->b, s->vector_in), c->vector, (size_t)tensor_bytes(s->vector_in));
  return s->b->table->run(s->b, g, &report, error);
}

static sd_status probe_run_network(probe_state *s, sd_error *error) {
  const probe_call *c = s->call;
  run_report report;
  graph_each_weight(&s->g, probe_upload, s->b);
  memcpy(s->b->table->address(s->b, s->in[0]), c->input, (size_t)tensor_bytes(s->in[0]));
  if (c->network == PROBE_UNET) {
    *(float *)s->b->table->address(s->b, s->in[1]) = c->timestep;
    int32_t *counts = s->b->table->address(s->b, s->in[2]);
    for (int32_t i = 0; i < c->context_n; i++) counts[i] = c->context_tokens;
  }
  return s->b->table->run(s->b, &s->g, &report, error);
}

static sd_status probe_take_output(probe_state *s) {
  probe_call *c = s->call;
  if (tensor_count(s->out) > c->out_capacity) return SD_BAD_ARGUMENT;
  const int32_t shape[4] = {s->out->n, s->out->h, s->out->w, s->out->c};
  memcpy(c->out_shape, shape, sizeof shape);
  memcpy(c->out, s->b->table->address(s->b, s->out), (size_t)tensor_bytes(s->out));
  return SD_OK;
}

static sd_status probe_run_all(probe_state *s, sd_error *error) {
  probe_record(s);
  if (s->g.error.status) {
    *error = s->g.error;
    return error->status;
  }
  sd_status status = s->b->table->reserve(s->b, s->g.arena_bytes, error);
  if (!status && s->call->network == PROBE_UNET) status = probe_run_context(s, error);
  if (!status) status = probe_run_network(s, error);
  return status ? status : probe_take_output(s);
}

sd_status probe_network_run(probe_call *call, sd_error *error) {
  probe_state s = {.call = call};
  const atomic_int stop = 0;
  sd_status status = weights_open(&s.weights, call->tensors, call->tensor_count, error);
  if (!status) status = cpu_backend_open(&s.b, 0, -1, &stop, error);
  if (!status) status = probe_run_all(&s, error);
  if (s.b) {
    graph_each_weight(&s.g, probe_drop, s.b);
    graph_each_weight(&s.context_graph, probe_drop, s.b);
    s.b->table->close(s.b);
  }
  graph_close(&s.g);
  graph_close(&s.context_graph);
  weights_close(&s.weights);
  return status;
}
