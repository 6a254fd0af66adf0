#include "engine/real/sys.h"

#include <unistd.h>

#include <cerrno>

#include "engine/base/check.h"

namespace odradek::real {

void UniqueFd::Reset() {
  if (fd_ >= 0) close(std::exchange(fd_, -1));
}

env::DiskError DiskErrorOf(int error_number) {
  REQUIRES(error_number != 0);
  switch (error_number) {
    case ENOENT:
      return env::DiskError::kNotFound;
    case EEXIST:
      return env::DiskError::kExists;
    case ENOSPC:
    case EDQUOT:
      return env::DiskError::kNoSpace;
    case EMFILE:
    case ENFILE:
      return env::DiskError::kTooManyOpenFiles;
    case ENOTDIR:
      return env::DiskError::kNotADirectory;
    case EISDIR:
      return env::DiskError::kIsADirectory;
    case ENOTEMPTY:
      return env::DiskError::kNotEmpty;
    case EACCES:
    case EPERM:
    case EROFS:
      return env::DiskError::kAccessDenied;
    case ENAMETOOLONG:
      return env::DiskError::kNameTooLong;
    default:
      return env::DiskError::kIo;
  }
}

env::NetError NetErrorOf(int error_number) {
  REQUIRES(error_number != 0);
  switch (error_number) {
    case ECONNREFUSED:
      return env::NetError::kRefused;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
      return env::NetError::kUnreachable;
    case ETIMEDOUT:
      return env::NetError::kTimedOut;
    case EADDRINUSE:
      return env::NetError::kAddressInUse;
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
    case EACCES:
    case EPERM:
    case EINVAL:
      return env::NetError::kBadAddress;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      return env::NetError::kTooManyOpenFiles;
    default:
      return env::NetError::kReset;
  }
}

}  // namespace odradek::real
