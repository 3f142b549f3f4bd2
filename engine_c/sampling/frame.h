/* frame: the graphs of one request, recorded and planned. The forecast and the run are the same
 * recordings, so what sd_plan says is what the arena takes. Owns graphs; knows no sampler. */
#ifndef SAMPLING_FRAME_H
#define SAMPLING_FRAME_H

#include "networks/model.h"
#include "networks/unet.h"
#include "sampling/tiles.h"

typedef enum frame_part {
  PART_ENCODE,  /* init image [1,h,w,3] -> VAE moments or TAESD latents */
  PART_TEXT,    /* ids [chunks,1,77,1], extra rows or NULL, ids of a second encoder or NULL ->
                   conditioning; the second encoder's, and projected: frame_text2 */
  PART_CONTEXT, /* context [prompts,1,tokens,width], vector [pictures,1,1,width] or NULL -> keys
                   and values, kept for all steps */
  PART_UNET,    /* latents, timestep, key counts -> prediction */
  PART_PREVIEW, /* latents [1,h,w,4] -> picture, by TAESD; or with a map [1,1,5,3] -> colours */
  PART_DECODE,  /* latents [1,h,w,4] -> picture */
  PART_COUNT
} frame_part;

typedef struct frame_slot {
  graph g;
  int32_t used;
  tensor *in[3];                  /* in the order of the comment at frame_part */
  tensor *out, *out2, *projected; /* the last two: of a second text encoder, else NULL */
  tiling tiles; /* encode, decode, preview: the graph is one tile's; elsewhere one tile is all */
  int32_t tile; /* the one that runs */
  tensor whole; /* where there are several: put together from each one's out */
} frame_slot;

typedef struct frame {
  sd_model *model;
  const sd_request *request;
  frame_slot slots[PART_COUNT];
  unet_context context;
  int32_t prompts;        /* 2 with CFG: prompt, negative prompt; else 1 */
  int32_t chunks, tokens; /* chunks of both prompts; tokens of the longer one */
  int32_t latent_h, latent_w;
} frame;

/* Checks the request and records every graph that it needs. Nothing is uploaded. */
sd_status frame_open(frame *f, sd_model *model, const sd_request *request, sd_error *error);
void frame_close(frame *f);

/* Records the part again with f32 activations (context and UNet go together). */
sd_status frame_widen(frame *f, frame_part part, sd_error *error);

void frame_forecast(sd_plan_figures *out, const frame *f);

/* Uploads the part's weights; reserves the arena for it. */
sd_status frame_prepare(frame *f, frame_part part, sd_error *error);

/* A part is run once for each of its tiles, from 0 on: begin it, write the inputs for the place
 * that frame_tile says, run it. The output is whole after the last. */
int32_t frame_tiles(const frame *f, frame_part part);
void frame_begin_tile(frame *f, frame_part part, int32_t tile);
tile_place frame_tile(const frame *f, frame_part part);

/* Runs the part's graph, whose inputs have been written. SD_NON_FINITE names the layer. */
sd_status frame_run(frame *f, frame_part part, sd_error *error);

/* Host addresses of an input and of the whole output, valid until the next frame_prepare. */
void *frame_input(const frame *f, frame_part part, int32_t index);
const float *frame_output(const frame *f, frame_part part);

/* Whether steps are followed by a preview: a latent-to-RGB one needs the model's map. */
int frame_previews(const frame *f);

/* Of the text part with a second encoder: its rows [chunks][77][text2_width], and its last layer's,
 * projected, [chunks][77][pooled_width]. */
const float *frame_text2(const frame *f);
const float *frame_projected(const frame *f);

/* Whether pictures go through TAESD because the model has no VAE. */
int frame_decodes_by_taesd(const frame *f);

#endif
