#pragma once

#include <cstddef>
#include <cstdint>

// The part of Node-API that the addon uses. Its binary interface is promised to
// be the same in all versions of node (nodejs.org/api/n-api.html), so the
// headers of no version are needed to build it.
extern "C" {

struct napi_env__;
struct napi_value__;
struct napi_callback_info__;
struct uv_loop_s;

using napi_env = napi_env__*;
using napi_value = napi_value__*;
using napi_callback_info = napi_callback_info__*;
using napi_callback = napi_value (*)(napi_env, napi_callback_info);

enum napi_status : int { napi_ok = 0 };
enum napi_typedarray_type : int { napi_int32_array = 5 };

// As the length of a string that ends with NUL.
inline constexpr size_t kNapiAutoLength = SIZE_MAX;

napi_status napi_throw_error(napi_env, const char* code, const char* message);
napi_status napi_get_cb_info(napi_env, napi_callback_info, size_t* count,
                             napi_value* arguments, napi_value* self,
                             void** data);
napi_status napi_get_global(napi_env, napi_value*);
napi_status napi_get_boolean(napi_env, bool, napi_value*);
napi_status napi_get_value_int32(napi_env, napi_value, int32_t*);
napi_status napi_get_value_int64(napi_env, napi_value, int64_t*);
napi_status napi_get_typedarray_info(napi_env, napi_value,
                                     napi_typedarray_type*, size_t* length,
                                     void** data, napi_value* buffer,
                                     size_t* offset);
napi_status napi_create_int32(napi_env, int32_t, napi_value*);
napi_status napi_create_object(napi_env, napi_value*);
napi_status napi_create_array_with_length(napi_env, size_t, napi_value*);
napi_status napi_create_function(napi_env, const char* name, size_t length,
                                 napi_callback, void* data, napi_value*);
napi_status napi_set_element(napi_env, napi_value object, uint32_t index,
                             napi_value);
napi_status napi_set_named_property(napi_env, napi_value object,
                                    const char* name, napi_value);
napi_status napi_call_function(napi_env, napi_value self, napi_value function,
                               size_t count, const napi_value* arguments,
                               napi_value* result);
napi_status napi_add_env_cleanup_hook(napi_env, void (*hook)(void*),
                                      void* argument);
napi_status napi_get_uv_event_loop(napi_env, uv_loop_s** loop);

}  // extern "C"
