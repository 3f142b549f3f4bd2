/* model: see model.h. */
#include "networks/model.h"

#include <math.h>

#include "base/error.h"
#include "networks/adapters.h"
#include "networks/clip.h"
#include "networks/taesd.h"
#include "networks/unet.h"
#include "networks/vae.h"

static void model_describe(sd_model *model) {
  const weight_table *w = &model->weights;
  model->info = (sd_model_info){
      .text_parameters = weights_parameters(w, "text.") + weights_parameters(w, "text2."),
      .unet_parameters = weights_parameters(w, "unet."),
      .vae_parameters = weights_parameters(w, "vae."),
      .taesd_parameters = weights_parameters(w, "taesd."),
      .text_width = clip_width(w, CLIP_FIRST),
      .text_vocabulary = clip_vocabulary(w, CLIP_FIRST),
      .text_layers = clip_layers(w, CLIP_FIRST),
      .text2_width = clip_width(w, CLIP_SECOND),
      .text2_layers = clip_layers(w, CLIP_SECOND),
      .text2_vocabulary = clip_vocabulary(w, CLIP_SECOND),
      .pooled_width = clip_pooled_width(w, CLIP_SECOND),
      .unet_in_channels = unet_in_channels(w),
      .unet_channels = unet_channels(w),
      .unet_levels = unet_levels(w),
      .context_width = unet_context_width(w),
      .vector_width = unet_vector_width(w),
      .has_text = clip_width(w, CLIP_FIRST) > 0,
      .has_unet = unet_in_channels(w) > 0,
      .has_vae_encoder = vae_has_encoder(w),
      .has_vae_decoder = vae_has_decoder(w),
      .has_taesd_encoder = taesd_has_encoder(w),
      .has_taesd_decoder = taesd_has_decoder(w),
  };
}

static sd_status model_check_config(const sd_model_config *c, sd_error *error) {
  if (c->text_heads < 1 || c->text2_heads < 0 || c->unet_heads < 0 ||
      (!c->unet_heads && c->unet_head_size < 1))
    return error_set(error, SD_BAD_ARGUMENT, "the numbers of attention heads must be positive");
  if (!(c->latent_scale > 0) || !isfinite(c->latent_scale))
    return error_set(error, SD_BAD_ARGUMENT, "the latent scale must be positive");
  if (!(c->beta_start > 0) || !(c->beta_end >= c->beta_start) || !(c->beta_end < 1))
    return error_set(error, SD_BAD_ARGUMENT, "the betas must rise and lie between 0 and 1");
  if ((int)c->prediction < SD_PREDICT_EPSILON || c->prediction > SD_PREDICT_V)
    return error_set(error, SD_BAD_ARGUMENT, "the prediction type is unknown");
  return SD_OK;
}

/* A UNet that takes a vector gets pooled text and six sizes in it, and nothing else is known. */
static sd_status model_check_vector(const sd_model_info *info, sd_error *error) {
  int32_t width = info->text2_width ? info->pooled_width + MODEL_SIZES * MODEL_SIZE_WIDTH : 0;
  if (info->vector_width == width) return SD_OK;
  return error_set(error, SD_BAD_MODEL,
                   "the UNet takes a vector of %d numbers; the text encoders have %d for it",
                   info->vector_width, width);
}

static sd_status model_check_info(const sd_model_info *info, sd_error *error) {
  if (!info->has_text)
    return error_set(error, SD_BAD_MODEL,
                     "the model has no text encoder: choose a full checkpoint");
  if (!info->has_unet || info->unet_channels < 2)
    return error_set(error, SD_BAD_MODEL, "the model has no UNet: choose a full checkpoint");
  if (!info->has_vae_decoder && !info->has_taesd_decoder)
    return error_set(error, SD_BAD_MODEL, "the model has no VAE: choose one beside it");
  if (info->unet_in_channels != 4 && info->unet_in_channels != 9)
    return error_set(error, SD_BAD_MODEL,
                     "the UNet takes %d channels; 4 and, for inpainting, 9 are known",
                     info->unet_in_channels);
  if (info->context_width != info->text_width + info->text2_width)
    return error_set(error, SD_BAD_MODEL,
                     "the UNet was made for a text encoder of width %d; this one has %d",
                     info->context_width, info->text_width + info->text2_width);
  return model_check_vector(info, error);
}

sd_status model_open(sd_model *model, const sd_tensor *tensors, int32_t count,
                     const sd_model_config *config, sd_error *error) {
  model->config = *config;
  sd_status status = model_check_config(config, error);
  if (!status) status = weights_open(&model->weights, tensors, count, error);
  if (status) return status;
  model_describe(model);
  return model_check_info(&model->info, error);
}

void model_release(sd_model *model) {
  for (int32_t i = 0; i < model->weights.count; i++) {
    weight *w = &model->weights.rows[i];
    if (w->packed) model->backend->table->drop(model->backend, w);
  }
}

void model_close(sd_model *model) {
  model_release(model);
  adapters_close(model);
  weights_close(&model->weights);
}
