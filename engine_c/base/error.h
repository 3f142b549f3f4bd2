/* error: one sentence and a status in the caller's sd_error. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include "engine.h"

/* Fills *error (NULL is allowed) and returns `status`, so a caller can `return error_set(...)`. */
sd_status error_set(sd_error *error, sd_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Clears *error and returns SD_OK. */
sd_status error_clear(sd_error *error);

#endif
