#include "engine/env/env.h"

namespace odradek::env {

std::string_view ToString(DiskError error) {
  switch (error) {
    case DiskError::kNone:
      return "no error";
    case DiskError::kNotFound:
      return "no such file or directory";
    case DiskError::kExists:
      return "file exists";
    case DiskError::kNoSpace:
      return "no space left on the disk";
    case DiskError::kIo:
      return "input/output error";
    case DiskError::kTooManyOpenFiles:
      return "too many open files";
    case DiskError::kNotADirectory:
      return "not a directory";
    case DiskError::kIsADirectory:
      return "is a directory";
    case DiskError::kNotEmpty:
      return "directory not empty";
    case DiskError::kAccessDenied:
      return "permission denied";
    case DiskError::kLocked:
      return "locked by another process";
    case DiskError::kNameTooLong:
      return "file name too long";
  }
  return "unknown disk error";
}

std::string_view ToString(NetError error) {
  switch (error) {
    case NetError::kNone:
      return "no error";
    case NetError::kEnd:
      return "end of stream";
    case NetError::kReset:
      return "connection reset";
    case NetError::kRefused:
      return "connection refused";
    case NetError::kUnreachable:
      return "host unreachable";
    case NetError::kTimedOut:
      return "timed out";
    case NetError::kClosed:
      return "connection closed";
    case NetError::kAddressInUse:
      return "address already in use";
    case NetError::kBadAddress:
      return "address cannot be resolved or bound";
    case NetError::kTooManyOpenFiles:
      return "too many open files";
    case NetError::kFile:
      return "file range could not be read";
  }
  return "unknown network error";
}

std::string ToString(const Address& address) {
  return address.host + ":" + std::to_string(address.port);
}

}  // namespace odradek::env
