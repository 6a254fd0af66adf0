// What a schema must fulfil beyond its grammar. Also completes it: version ranges get their ends, structs are put in an
// order in which each comes after those that it uses.
#pragma once

#include <span>

#include "tools/protogen/schema.h"

namespace odradek::protogen {

void CheckAndResolve(SchemaFile& file, Diagnostics& diagnostics);

// Keys and names that must differ between files.
void CheckTogether(std::span<const SchemaFile> files, Diagnostics& diagnostics);

// The value of an integer default, or nothing if it is none or does not fit.
std::optional<int64_t> IntegerDefault(const Field& field);

// REQUIRES: a struct of the message, resolved.
const Struct& StructOf(const Message& message, const Type& type);

// The fewest bytes that an element of this type takes in any version of the range.
int WireBytesMin(const Message& message, const Field& field, const Type& type);

}  // namespace odradek::protogen
