/* metal device: owns every Objective-C object of the engine. Manual retain and release, plain C
 * structs that hold the objects, a pool at each entry. What a newer system alone offers is asked
 * for by respondsToSelector:, so that one file serves them all. */
#include "backend/metal/metal_device.h"

#import <Foundation/Foundation.h>
#import <Metal/Metal.h>
#include <dispatch/dispatch.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#if __has_feature(objc_arc)
#error "this file releases by hand: compile it without ARC"
#endif

/* Outlives the device, for its event may be under way when the device is closed. */
typedef struct device_pressure {
  atomic_int level;
  dispatch_source_t source;
} device_pressure;

struct metal_device {
  id<MTLDevice> handle;
  id<MTLCommandQueue> queue;
  MTLCommandBufferDescriptor *commands; /* of all command buffers */
  id<MTLResidencySet> residents;        /* nil before macOS 15 */
  int has_new_residents;
  device_pressure *pressure;
};

struct metal_library {
  id<MTLDevice> device;
  id<MTLLibrary> handle;
};

struct metal_commands {
  id<MTLCommandBuffer> handle;
  id<MTLComputeCommandEncoder> encoder;
  dispatch_semaphore_t done;
  atomic_int holders; /* the caller and, once committed, the completion handler */
  metal_outcome outcome;
};

static void device_copy_text(char *out, size_t size, NSString *text) {
  const char *bytes = text ? [text UTF8String] : NULL;
  strncpy(out, bytes ? bytes : "", size - 1);
  out[size - 1] = 0;
}

static char *device_log(NSString *text) {
  const char *bytes = text ? [text UTF8String] : NULL;
  return bytes && bytes[0] ? strdup(bytes) : NULL;
}

/* ---- device ---- */

static void device_note_pressure(void *context) {
  device_pressure *pressure = context;
  const uintptr_t event = dispatch_source_get_data(pressure->source);
  int level = SD_PRESSURE_NORMAL;
  if (event & DISPATCH_MEMORYPRESSURE_WARN) level = SD_PRESSURE_WARNING;
  if (event & DISPATCH_MEMORYPRESSURE_CRITICAL) level = SD_PRESSURE_CRITICAL;
  atomic_store(&pressure->level, level);
}

static void device_free_pressure(void *context) {
  device_pressure *pressure = context;
  dispatch_release(pressure->source);
  free(pressure);
}

static device_pressure *device_watch_pressure(void) {
  device_pressure *pressure = calloc(1, sizeof *pressure);
  if (!pressure) return NULL;
  pressure->source =
      dispatch_source_create(DISPATCH_SOURCE_TYPE_MEMORYPRESSURE, 0,
                             DISPATCH_MEMORYPRESSURE_NORMAL | DISPATCH_MEMORYPRESSURE_WARN |
                                 DISPATCH_MEMORYPRESSURE_CRITICAL,
                             dispatch_get_global_queue(QOS_CLASS_UTILITY, 0));
  if (!pressure->source) {
    free(pressure);
    return NULL;
  }
  dispatch_set_context(pressure->source, pressure);
  dispatch_source_set_event_handler_f(pressure->source, device_note_pressure);
  dispatch_source_set_cancel_handler_f(pressure->source, device_free_pressure);
  dispatch_resume(pressure->source);
  return pressure;
}

/* Keeps what the engine has made in the GPU's reach between command buffers; only a wish. */
static void device_open_residents(metal_device *d) {
  if (![(id)d->handle respondsToSelector:@selector(newResidencySetWithDescriptor:error:)]) return;
  MTLResidencySetDescriptor *wanted = [[MTLResidencySetDescriptor alloc] init];
  d->residents = [d->handle newResidencySetWithDescriptor:wanted error:NULL];
  [wanted release];
  if (d->residents) [d->queue addResidencySet:d->residents];
}

static void device_close(metal_device *d) {
  @autoreleasepool {
    if (d->pressure) dispatch_source_cancel(d->pressure->source);
    if (d->residents) [d->queue removeResidencySet:d->residents];
    [d->residents release];
    [d->commands release];
    [d->queue release];
    [d->handle release];
    free(d);
  }
}

/* The host keeps what commands use; the system says how far a failed encoder came. */
static MTLCommandBufferDescriptor *device_describe_commands(void) {
  MTLCommandBufferDescriptor *wanted = [[MTLCommandBufferDescriptor alloc] init];
  [wanted setRetainedReferences:NO];
  [wanted setErrorOptions:MTLCommandBufferErrorOptionEncoderExecutionStatus];
  return wanted;
}

static sd_status device_open(metal_device **out, sd_error *error) {
  @autoreleasepool {
    *out = NULL;
    metal_device *d = calloc(1, sizeof *d);
    if (!d) return error_set(error, SD_OUT_OF_MEMORY, "no memory for the Metal backend");
    d->handle = MTLCreateSystemDefaultDevice();
    d->queue = [d->handle newCommandQueue];
    if (!d->queue) {
      device_close(d);
      return error_set(error, SD_BACKEND_FAILED, "this Mac offers no GPU to this process");
    }
    if ([(id)d->handle respondsToSelector:@selector(setShouldMaximizeConcurrentCompilation:)])
      [d->handle setShouldMaximizeConcurrentCompilation:YES];
    d->commands = device_describe_commands();
    device_open_residents(d);
    d->pressure = device_watch_pressure();
    *out = d;
    return SD_OK;
  }
}

static int32_t device_apple_family(id<MTLDevice> device) {
  for (NSInteger family = MTLGPUFamilyApple7 + 8; family >= MTLGPUFamilyApple7; family--)
    if ([device supportsFamily:(MTLGPUFamily)family])
      return (int32_t)(family - MTLGPUFamilyApple7) + 7;
  return 0;
}

static void device_facts(metal_facts *out, const metal_device *d) {
  @autoreleasepool {
    *out = (metal_facts){.apple_family = device_apple_family(d->handle),
                         .has_metal4 = [d->handle supportsFamily:MTLGPUFamilyMetal4],
                         .buffer_limit = (int64_t)[d->handle maxBufferLength]};
    device_copy_text(out->name, sizeof out->name, [d->handle name]);
  }
}

static void device_condition(sd_condition *out, const metal_device *d) {
  @autoreleasepool {
    NSProcessInfo *process = [NSProcessInfo processInfo];
    *out = (sd_condition){.allocated_bytes = (int64_t)[d->handle currentAllocatedSize],
                          .working_set_bytes = (int64_t)[d->handle recommendedMaxWorkingSetSize],
                          .pressure = d->pressure ? (sd_pressure)atomic_load(&d->pressure->level)
                                                  : SD_PRESSURE_NORMAL,
                          .thermal = (sd_thermal)[process thermalState],
                          .is_low_power = [process isLowPowerModeEnabled]};
  }
}

/* ---- libraries and pipelines ---- */

/* Relaxed maths: sums may be reordered, but infinities and NaN keep their meaning. Before macOS 15
 * there is only fast or safe; the kernels are written so that fast does. */
static MTLCompileOptions *device_compile_options(int32_t language) {
  MTLCompileOptions *options = [[[MTLCompileOptions alloc] init] autorelease];
  [options setLanguageVersion:(MTLLanguageVersion)((language / 10 << 16) + language % 10)];
  if ([options respondsToSelector:@selector(setMathMode:)])
    [options setMathMode:MTLMathModeRelaxed];
  else
    [options setFastMathEnabled:YES];
  return options;
}

static metal_library *device_library_open(metal_device *d, const sd_metal_source *source,
                                          char **log) {
  @autoreleasepool {
    *log = NULL;
    NSError *said = nil;
    id<MTLLibrary> handle = nil;
    NSString *text = [NSString stringWithUTF8String:source->text];
    @try { /* an older system throws at a language version that it does not know */
      if (text)
        handle = [d->handle newLibraryWithSource:text
                                         options:device_compile_options(source->language)
                                           error:&said];
      *log = device_log([said localizedDescription]);
    } @catch (NSException *exception) {
      *log = device_log([exception reason]);
    }
    metal_library *library = handle ? calloc(1, sizeof *library) : NULL;
    if (!library) {
      [handle release];
      return NULL;
    }
    *library = (metal_library){d->handle, handle};
    return library;
  }
}

static void device_library_close(metal_library *library) {
  @autoreleasepool {
    [library->handle release];
    free(library);
  }
}

static metal_pipeline *device_pipeline_open(metal_library *library, const char *function,
                                            const uint32_t constants[2], char **log) {
  @autoreleasepool {
    *log = NULL;
    NSError *said = nil;
    MTLFunctionConstantValues *values = [[[MTLFunctionConstantValues alloc] init] autorelease];
    for (NSUInteger i = 0; i < 2; i++)
      [values setConstantValue:&constants[i] type:MTLDataTypeUInt atIndex:i];
    id<MTLFunction> found =
        [library->handle newFunctionWithName:[NSString stringWithUTF8String:function]
                              constantValues:values
                                       error:&said];
    id<MTLComputePipelineState> handle =
        found ? [library->device newComputePipelineStateWithFunction:found error:&said] : nil;
    [found release];
    *log = device_log([said localizedDescription]);
    metal_pipeline *pipeline = handle ? calloc(1, sizeof *pipeline) : NULL;
    if (!pipeline) {
      [handle release];
      return NULL;
    }
    *pipeline =
        (metal_pipeline){.max_threads = (int32_t)[handle maxTotalThreadsPerThreadgroup],
                         .threadgroup_bytes = (int32_t)[handle staticThreadgroupMemoryLength],
                         .handle = (void *)handle};
    return pipeline;
  }
}

static void device_pipeline_close(metal_pipeline *pipeline) {
  @autoreleasepool {
    [(id)pipeline->handle release];
    free(pipeline);
  }
}

/* ---- buffers ---- */

static metal_buffer *device_keep_buffer(metal_device *d, id<MTLBuffer> handle) {
  metal_buffer *buffer = handle ? calloc(1, sizeof *buffer) : NULL;
  if (!buffer) {
    [handle release];
    return NULL;
  }
  *buffer = (metal_buffer){[handle contents], (int64_t)[handle length], (void *)handle};
  [d->residents addAllocation:handle];
  d->has_new_residents = 1;
  return buffer;
}

static metal_buffer *device_buffer_open(metal_device *d, int64_t bytes) {
  @autoreleasepool {
    return device_keep_buffer(d, [d->handle newBufferWithLength:(NSUInteger)bytes
                                                        options:MTLResourceStorageModeShared]);
  }
}

static metal_buffer *device_buffer_wrap(metal_device *d, const void *pages, int64_t bytes) {
  @autoreleasepool {
    return device_keep_buffer(d, [d->handle newBufferWithBytesNoCopy:(void *)(uintptr_t)pages
                                                              length:(NSUInteger)bytes
                                                             options:MTLResourceStorageModeShared
                                                         deallocator:nil]);
  }
}

static void device_buffer_close(metal_device *d, metal_buffer *buffer) {
  @autoreleasepool {
    id<MTLBuffer> handle = (id<MTLBuffer>)buffer->handle;
    [d->residents removeAllocation:handle];
    [d->residents commit]; /* it holds the buffer until then */
    [handle release];
    free(buffer);
  }
}

/* ---- commands ---- */

static void device_let_go(metal_commands *c) {
  if (atomic_fetch_sub(&c->holders, 1) > 1) return;
  if (c->done) dispatch_release(c->done);
  [c->encoder release];
  [c->handle release];
  free(c);
}

static metal_commands *device_commands_open(metal_device *d, const char *label) {
  @autoreleasepool {
    metal_commands *c = calloc(1, sizeof *c);
    if (!c) return NULL;
    atomic_init(&c->holders, 1);
    c->done = dispatch_semaphore_create(0);
    c->handle = [[d->queue commandBufferWithDescriptor:d->commands] retain];
    c->encoder =
        [[c->handle computeCommandEncoderWithDispatchType:MTLDispatchTypeConcurrent] retain];
    if (!c->done || !c->encoder) {
      device_let_go(c);
      return NULL;
    }
    [c->encoder setLabel:[NSString stringWithUTF8String:label]];
    if (d->has_new_residents) {
      [d->residents commit];
      [d->residents requestResidency];
      d->has_new_residents = 0;
    }
    return c;
  }
}

static void device_bind(metal_commands *c, metal_view view, const metal_buffer *spare,
                        NSUInteger index) {
  const metal_buffer *buffer = view.buffer ? view.buffer : spare;
  [c->encoder setBuffer:(id<MTLBuffer>)buffer->handle
                 offset:view.buffer ? (NSUInteger)view.offset : 0
                atIndex:index];
}

static void device_dispatch(metal_commands *c, const metal_pipeline *pipeline,
                            const metal_dispatch *dispatch, const metal_buffer *spare) {
  @autoreleasepool {
    [c->encoder setComputePipelineState:(id<MTLComputePipelineState>)pipeline->handle];
    if (dispatch->args_bytes)
      [c->encoder setBytes:dispatch->args length:(NSUInteger)dispatch->args_bytes atIndex:0];
    NSUInteger index = 1;
    device_bind(c, dispatch->out, spare, index++);
    for (int32_t i = 0; i < dispatch->in_count; i++)
      device_bind(c, dispatch->in[i], spare, index++);
    device_bind(c, dispatch->out2, spare, index);
    if (dispatch->threadgroup_bytes)
      [c->encoder setThreadgroupMemoryLength:(NSUInteger)dispatch->threadgroup_bytes atIndex:0];
    const uint32_t *groups = dispatch->groups;
    [c->encoder dispatchThreadgroups:MTLSizeMake(groups[0], groups[1], groups[2])
               threadsPerThreadgroup:MTLSizeMake(dispatch->threads, 1, 1)];
  }
}

static void device_barrier(metal_commands *c) {
  [c->encoder memoryBarrierWithScope:MTLBarrierScopeBuffers];
}

static int64_t device_encoder_state(NSError *error) {
  NSArray *infos = [[error userInfo] objectForKey:MTLCommandBufferEncoderInfoErrorKey];
  if (![infos count]) return MTLCommandEncoderErrorStateUnknown;
  const id<MTLCommandBufferEncoderInfo> first = [infos objectAtIndex:0];
  return (int64_t)[first errorState];
}

static void device_finish(metal_commands *c, id<MTLCommandBuffer> handle) {
  @autoreleasepool {
    if ([handle status] == MTLCommandBufferStatusError) {
      NSError *error = [handle error];
      const BOOL is_known = [[error domain] isEqualToString:MTLCommandBufferErrorDomain];
      c->outcome.code = is_known && [error code] ? (int64_t)[error code] : METAL_OTHER_ERROR;
      c->outcome.encoder = is_known ? device_encoder_state(error) : 0;
      device_copy_text(c->outcome.text, sizeof c->outcome.text, [error localizedDescription]);
    }
    c->outcome.seconds = [handle GPUEndTime] - [handle GPUStartTime];
    dispatch_semaphore_signal(c->done);
    device_let_go(c);
  }
}

static void device_commit(metal_commands *c) {
  @autoreleasepool {
    [c->encoder endEncoding];
    [c->encoder release];
    c->encoder = nil;
    atomic_fetch_add(&c->holders, 1);
    [c->handle addCompletedHandler:^(id<MTLCommandBuffer> handle) {
      device_finish(c, handle);
    }];
    [c->handle commit];
  }
}

static int device_wait(metal_outcome *out, metal_commands *c, double seconds) {
  const dispatch_time_t limit =
      dispatch_time(DISPATCH_TIME_NOW, (int64_t)(seconds * (double)NSEC_PER_SEC));
  if (dispatch_semaphore_wait(c->done, limit)) return 0;
  dispatch_semaphore_signal(c->done); /* done stays done */
  *out = c->outcome;
  return 1;
}

static void device_commands_close(metal_commands *c) {
  @autoreleasepool {
    [c->encoder endEncoding]; /* never committed; else nil */
    device_let_go(c);
  }
}

static const metal_device_table DEVICE_TABLE = {
    .open = device_open,
    .close = device_close,
    .facts = device_facts,
    .condition = device_condition,
    .library_open = device_library_open,
    .library_close = device_library_close,
    .pipeline_open = device_pipeline_open,
    .pipeline_close = device_pipeline_close,
    .buffer_open = device_buffer_open,
    .buffer_wrap = device_buffer_wrap,
    .buffer_close = device_buffer_close,
    .commands_open = device_commands_open,
    .dispatch = device_dispatch,
    .barrier = device_barrier,
    .commit = device_commit,
    .wait = device_wait,
    .commands_close = device_commands_close,
};

const metal_device_table *metal_device_here(void) { return &DEVICE_TABLE; }
