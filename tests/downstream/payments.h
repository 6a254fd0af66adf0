// The workload: pays, and waits until the ledger has counted it all.
#pragma once

#include <memory>

#include "sim/lab/lab.h"

std::unique_ptr<odradek::lab::Workload> MakePayments(const odradek::lab::Settings& settings);
