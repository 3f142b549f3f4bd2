/* Libraries, functions, pipelines. newLibraryWithSource runs msl/compile.py and loads the result.
 */
#define _GNU_SOURCE /* dladdr */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "objects.h"

extern char **environ;

NSString *const MTLLibraryErrorDomain = @"MTLLibraryErrorDomain";

/* Where the build keeps its things; simulator.py passes them when it compiles this. */
static const char python[] = METAL_SIM_PYTHON;
static const char compiler[] = METAL_SIM_COMPILER;
static const char clang[] = METAL_SIM_CLANG;
static const char default_cache[] = METAL_SIM_CACHE;

/* What a child process printed to one of its streams. */
static NSString *read_all(int descriptor) {
  lseek(descriptor, 0, SEEK_SET);
  NSMutableData *data = [NSMutableData data];
  char piece[4096];
  for (ssize_t got; (got = read(descriptor, piece, sizeof piece)) > 0;)
    [data appendBytes:piece length:(NSUInteger)got];
  close(descriptor);
  NSString *text = [[[NSString alloc] initWithData:data encoding:NSUTF8StringEncoding] autorelease];
  NSCharacterSet *space = [NSCharacterSet whitespaceAndNewlineCharacterSet];
  return [text stringByTrimmingCharactersInSet:space];
}

/* A file without a name. */
static int scratch(NSString *contents) {
  char path[] = "/tmp/metal-sim-XXXXXX";
  int descriptor = mkstemp(path);
  sim_need(descriptor >= 0, "no temporary file: %s", strerror(errno));
  unlink(path);
  const char *bytes = [contents UTF8String];
  size_t left = bytes ? strlen(bytes) : 0;
  while (left) {
    ssize_t written = write(descriptor, bytes, left);
    sim_need(written > 0, "a temporary file cannot be written: %s", strerror(errno));
    bytes += written;
    left -= (size_t)written;
  }
  lseek(descriptor, 0, SEEK_SET);
  return descriptor;
}

/* Runs a command; 0 and what it printed, or its exit status. */
static int run(NSArray *command, NSString *input, NSString **output, NSString **messages) {
  NSUInteger count = [command count];
  char **words = calloc(count + 1, sizeof *words);
  for (NSUInteger i = 0; i < count; i++) words[i] = (char *)[[command objectAtIndex:i] UTF8String];
  int streams[3] = {scratch(input), scratch(@""), scratch(@"")};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  for (int i = 0; i < 3; i++) posix_spawn_file_actions_adddup2(&actions, streams[i], i);
  pid_t child;
  int status = 0, failed = posix_spawn(&child, words[0], &actions, NULL, words, environ);
  sim_need(!failed, "%s cannot be started: %s", words[0], strerror(failed));
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  posix_spawn_file_actions_destroy(&actions);
  free(words);
  close(streams[0]);
  *output = read_all(streams[1]);
  *messages = read_all(streams[2]);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static NSString *own_path(void) {
  Dl_info info;
  sim_need(dladdr((void *)own_path, &info) && info.dli_fname, "the simulator's library is lost");
  return [NSString stringWithUTF8String:info.dli_fname];
}

static NSArray *compiler_command(MTLCompileOptions *options) {
  MTLLanguageVersion version = options ? [options languageVersion] : MTLLanguageVersion3_1;
  NSString *number = [NSString stringWithFormat:@"%lu%lu0", (unsigned long)(version >> 16),
                                                (unsigned long)(version & 0xffff)];
  const char *cache = getenv("MTLSIM_CACHE");
  NSString *folder = [NSString stringWithUTF8String:cache ? cache : default_cache];
  NSMutableArray *command =
      [NSMutableArray arrayWithObjects:[NSString stringWithUTF8String:python], @"-IS",
                                       [NSString stringWithUTF8String:compiler], @"-", @"--clang",
                                       [NSString stringWithUTF8String:clang], @"--runtime",
                                       own_path(), @"--cache", folder, @"--version", number, nil];
  if (msl_is_checking()) [command addObject:@"--check"];
  if ([options mathMode] == MTLMathModeFast && sim_setting("MTLSIM_FAST_MATH", 0))
    [command addObject:@"--fast-math"];
  NSDictionary *macros = [options preprocessorMacros];
  for (NSString *name in macros)
    [command addObject:[NSString stringWithFormat:@"-D%@=%@", name, [macros objectForKey:name]]];
  return command;
}

static SimLibrary *load(NSString *path) {
  void *handle = dlopen([path fileSystemRepresentation], RTLD_NOW | RTLD_LOCAL);
  sim_need(handle != NULL, "%s", handle ? "" : dlerror());
  const struct msl_library *contents = dlsym(handle, MSL_LIBRARY_SYMBOL);
  sim_need(contents && contents->abi == MSL_ABI, "%s is of another simulator",
           [path fileSystemRepresentation]);
  SimLibrary *library = [[SimLibrary alloc] init];
  library->_handle = handle;
  library->_contents = contents;
  return library;
}

static NSError *library_error(NSInteger code, NSString *text) {
  return sim_error(MTLLibraryErrorDomain, code, text);
}

/* A fault of all libraries, or of those whose source has the fault's word. */
static bool fails_to_compile(NSString *source) {
  const char *word = "";
  if (!sim_fault("compile", &word)) return false;
  return !*word || strstr([source UTF8String], word);
}

SimLibrary *sim_compile(NSString *source, MTLCompileOptions *options, NSError **error) {
  NSString *path = @"", *messages = @"";
  if (fails_to_compile(source)) {
    messages = @"program_source:1:1: error: a fault that a test asked for";
  } else if (run(compiler_command(options), source, &path, &messages) == 0) {
    if (sim_fault("compile_warning", NULL))
      messages = @"program_source:1:1: warning: a fault that a test asked for";
    if (error && [messages length]) *error = library_error(MTLLibraryErrorCompileWarning, messages);
    return load(path);
  }
  if (error) *error = library_error(MTLLibraryErrorCompileFailure, messages);
  return nil;
}

@implementation SimLibrary
@synthesize label = _label;

- (instancetype)init {
  if ((self = [super init])) {
    sim_count(SIM_LIVE_LIBRARIES, 1);
    sim_count(SIM_LIBRARIES_COMPILED, 1);
  }
  return self;
}
- (void)dealloc {
  dlclose(_handle);
  sim_count(SIM_LIVE_LIBRARIES, -1);
  [_label release];
  [super dealloc];
}
- (NSArray *)functionNames {
  NSMutableArray *names = [NSMutableArray array];
  for (int i = 0; i < _contents->kernel_count; i++)
    [names addObject:[NSString stringWithUTF8String:_contents->kernels[i]->name]];
  return names;
}

static MTLDataType type_named(const char *name) {
  static const struct {
    const char *name;
    MTLDataType type;
  } types[] = {
      {"bool", MTLDataTypeBool},     {"float", MTLDataTypeFloat},   {"half", MTLDataTypeHalf},
      {"bfloat", MTLDataTypeBFloat}, {"int", MTLDataTypeInt},       {"uint", MTLDataTypeUInt},
      {"short", MTLDataTypeShort},   {"ushort", MTLDataTypeUShort}, {"char", MTLDataTypeChar},
      {"uchar", MTLDataTypeUChar},   {"uint32_t", MTLDataTypeUInt}, {"int32_t", MTLDataTypeInt}};
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (!strcmp(types[i].name, name)) return types[i].type;
  return MTLDataTypeNone;
}

/* Why these values do not fit the library's function constants; nil: they do. */
- (NSString *)refusalOf:(NSDictionary *)values {
  for (int i = 0; i < _contents->constant_count; i++) {
    const struct msl_constant *constant = &_contents->constants[i];
    BOOL optional = constant->name[0] == '?';
    NSArray *value = [values objectForKey:[NSNumber numberWithUnsignedLong:constant->index]];
    if (!value && !optional)
      return [NSString stringWithFormat:@"function constant '%s' (index %d) has no value",
                                        constant->name, constant->index];
    MTLDataType wanted = type_named(constant->type);
    if (value && [[value objectAtIndex:0] unsignedLongValue] != wanted)
      return [NSString stringWithFormat:@"function constant '%s' is a %s in the source, "
                                        @"but was set as another type",
                                        constant->name + optional, constant->type];
  }
  return nil;
}

- (SimFunction *)newFunction:(NSString *)name
                      values:(NSDictionary *)values
                       error:(NSError **)error {
  for (int i = 0; i < _contents->kernel_count; i++) {
    if (strcmp(_contents->kernels[i]->name, [name UTF8String])) continue;
    NSString *refusal = [self refusalOf:values];
    if (refusal) {
      if (error) *error = library_error(MTLLibraryErrorCompileFailure, refusal);
      return nil;
    }
    SimFunction *function = [[SimFunction alloc] init];
    function->_library = [self retain];
    function->_index = i;
    function->_kernel = _contents->kernels[i];
    function->_values = [values copy];
    return function;
  }
  NSString *text = [NSString stringWithFormat:@"Function %@ was not found in the library", name];
  if (error) *error = library_error(MTLLibraryErrorFunctionNotFound, text);
  return nil;
}
- (id<MTLFunction>)newFunctionWithName:(NSString *)name {
  return [self newFunction:name values:[NSDictionary dictionary] error:NULL];
}
- (id<MTLFunction>)newFunctionWithName:(NSString *)name
                        constantValues:(MTLFunctionConstantValues *)constantValues
                                 error:(NSError **)error {
  return [self newFunction:name values:constantValues->_values error:error];
}
@end

@implementation SimFunction
@synthesize label = _label;

- (instancetype)init {
  if ((self = [super init])) sim_count(SIM_LIVE_FUNCTIONS, 1);
  return self;
}
- (void)dealloc {
  sim_count(SIM_LIVE_FUNCTIONS, -1);
  [_library release];
  [_values release];
  [_label release];
  [super dealloc];
}
- (NSString *)name {
  return [NSString stringWithUTF8String:_kernel->name];
}
- (void)setConstants {
  for (int i = 0; i < _library->_contents->constant_count; i++) {
    const struct msl_constant *constant = &_library->_contents->constants[i];
    NSArray *value = [_values objectForKey:[NSNumber numberWithUnsignedLong:constant->index]];
    memset(constant->value, 0, constant->size);
    *constant->defined = value != nil;
    if (value) memcpy(constant->value, [[value objectAtIndex:1] bytes], constant->size);
  }
}
@end

@implementation SimPipeline
- (instancetype)init {
  if ((self = [super init])) sim_count(SIM_LIVE_PIPELINES, 1);
  return self;
}
- (void)dealloc {
  sim_count(SIM_LIVE_PIPELINES, -1);
  [_function release];
  [_label release];
  [super dealloc];
}
- (NSString *)label {
  return _label;
}
- (NSUInteger)maxTotalThreadsPerThreadgroup {
  return _maxThreads;
}
- (NSUInteger)threadExecutionWidth {
  return 32;
}
- (NSUInteger)staticThreadgroupMemoryLength {
  return _function->_library->_contents->static_bytes[_function->_index];
}
@end
