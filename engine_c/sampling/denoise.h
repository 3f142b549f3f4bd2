/* denoise: a whole generation: text, init image, the loop of steps, decode. The one place in which
 * the order of a picture is written down. */
#ifndef SAMPLING_DENOISE_H
#define SAMPLING_DENOISE_H

#include "sampling/frame.h"

sd_status denoise_generate(sd_result *result, sd_model *model, const sd_request *request,
                           const sd_callbacks *callbacks, sd_error *error);

#endif
