/* inpaint: what a mask does to pixels and latents. Owns the arithmetic of keeping; knows no network
 * and no order of things. A mask has one byte a pixel: 255 paints, 0 keeps, between blends. */
#ifndef SAMPLING_INPAINT_H
#define SAMPLING_INPAINT_H

#include <stddef.h>
#include <stdint.h>

enum { INPAINT_PAINTED = 128 }; /* where a mask must be one or the other: painted from here up */

/* Mask [8h][8w] -> [h][w], the mean of each latent's pixels, 0..1: how much of it is painted. */
void inpaint_mask_mean(float *out, const uint8_t *mask, int32_t h, int32_t w);

/* Mask [8h][8w] -> [h][w], 0 or 1 by the first pixel of each latent: an inpainting UNet's fifth
 * channel, as diffusers' StableDiffusionInpaintPipeline makes it. */
void inpaint_mask_nearest(float *out, const uint8_t *mask, int32_t h, int32_t w);

/* Latents [count][4]: kept ones become what the init image's latents are at this level of noise,
 * init + sigma * noise (Lugmayr et al. 2022, "RePaint", equation 8). mask: [count]. */
typedef struct inpaint_known {
  const float *init, *noise, *mask;
} inpaint_known;

void inpaint_blend(float *latents, const inpaint_known *known, float sigma, size_t count);

/* RGB [count][3]: painted over init, by mask [count]; where it is 0, init's very bytes. */
void inpaint_composite(uint8_t *rgb, const uint8_t *init, const uint8_t *mask, size_t count);

/* A colour for each latent's 8 x 8 pixels, [h][w][4]: RGB 0..255, and a weight that is done with.
 */
typedef struct inpaint_cells {
  float *rgbw; /* inpaint_fill_floats(h, w), of which the first h * w * 4 are the cells */
  int32_t h, w;
} inpaint_cells;

size_t inpaint_fill_floats(int32_t h, int32_t w);

/* Colours for what is painted, from what is kept around it: of each cell the mean of its kept
 * pixels, and what of it is painted from neighbourhoods twice as wide from level to level
 * ("pull-push": Gortler et al. 1996, "The Lumigraph"). Grey where nothing at all is kept. */
void inpaint_fill(const inpaint_cells *cells, const uint8_t *rgb, const uint8_t *mask);

/* The colour at pixel y, x of [8h][8w], linear between the cells' middles. */
void inpaint_fill_color(float color[3], const inpaint_cells *cells, size_t y, size_t x);

#endif
