package rest

import (
	"maps"
	"math"
	"slices"
	"strconv"

	routerv1 "serverless-orchestrator/gateway/gen/serverless/router/v1"
)

// appendReceipt writes the answer of an invocation.
//
// It is written by hand for two reasons. The handler's body is JSON already and
// is copied in, unparsed. And all receipts of one function with the same result
// have the same length: load tools such as ab take an answer of another length
// for a broken one. So whatever differs from call to call has a fixed width:
// numbers that were measured have three decimals and are filled up with spaces
// in front, which JSON ignores, and so is `true`, to the length of `false`. Ids
// have a fixed width where they are made.
func appendReceipt(to []byte, receipt *routerv1.InvokeResponse) []byte {
	to = slices.Grow(to, len(receipt.GetBody())+sizeOf(receipt.GetLogs())+1024)
	to = appendReceiptStart(to, receipt)
	to = append(to, `,"body":`...)
	if len(receipt.GetBody()) == 0 {
		to = append(to, "null"...)
	} else {
		to = append(to, receipt.GetBody()...)
	}
	return appendReceiptRest(to, receipt)
}

// appendReceiptWithoutBody is for an answer whose body has gone ahead.
func appendReceiptWithoutBody(to []byte, receipt *routerv1.InvokeResponse) []byte {
	return appendReceiptRest(appendReceiptStart(to, receipt), receipt)
}

func appendReceiptStart(to []byte, receipt *routerv1.InvokeResponse) []byte {
	to = appendString(append(to, `{"requestId":`...), receipt.GetRequestId())
	return strconv.AppendInt(append(to, `,"statusCode":`...), int64(receipt.GetStatusCode()), 10)
}

func appendReceiptRest(to []byte, receipt *routerv1.InvokeResponse) []byte {
	to = appendHeaders(append(to, `,"headers":`...), receipt.GetHeaders())
	to = appendStrings(append(to, `,"logs":`...), receipt.GetLogs())
	to = appendMeasured(append(to, `,"duration":`...), receipt.GetDuration())
	to = appendMeasured(append(to, `,"memoryUsed":`...), receipt.GetMemoryUsed())
	to = appendMeasured(append(to, `,"cpuTime":`...), receipt.GetCpuTime())
	to = appendBool(append(to, `,"coldStart":`...), receipt.GetColdStart())
	to = appendString(append(to, `,"functionId":`...), receipt.GetFunctionId())
	to = strconv.AppendInt(append(to, `,"version":`...), int64(receipt.GetVersion()), 10)
	to = appendString(append(to, `,"instanceId":`...), receipt.GetInstanceId())
	phases := receipt.GetPhases()
	to = appendMeasured(append(to, `,"phases":{"queue":`...), phases.GetQueue())
	to = appendMeasured(append(to, `,"start":`...), phases.GetStart())
	to = appendMeasured(append(to, `,"init":`...), phases.GetInit())
	to = appendMeasured(append(to, `,"handler":`...), phases.GetHandler())
	to = appendBool(append(to, `},"logsTruncated":`...), receipt.GetLogsTruncated())
	return append(to, '}')
}

// measuredWidth fits 15 minutes in ms: "900000.000".
const measuredWidth = 10

func appendMeasured(to []byte, value float64) []byte {
	if math.IsNaN(value) || math.IsInf(value, 0) {
		value = 0 // neither has a form in JSON
	}
	var digits [32]byte
	text := strconv.AppendFloat(digits[:0], value, 'f', 3, 64)
	for range measuredWidth - len(text) {
		to = append(to, ' ')
	}
	return append(to, text...)
}

func appendBool(to []byte, value bool) []byte {
	if value {
		return append(to, " true"...)
	}
	return append(to, "false"...)
}

// appendHeaders sorts by name, so that the same headers make the same text.
func appendHeaders(to []byte, headers map[string]string) []byte {
	to = append(to, '{')
	for i, name := range slices.Sorted(maps.Keys(headers)) {
		if i > 0 {
			to = append(to, ',')
		}
		to = append(appendString(to, name), ':')
		to = appendString(to, headers[name])
	}
	return append(to, '}')
}

func appendStrings(to []byte, values []string) []byte {
	to = append(to, '[')
	for i, value := range values {
		if i > 0 {
			to = append(to, ',')
		}
		to = appendString(to, value)
	}
	return append(to, ']')
}

func sizeOf(values []string) int {
	size := 0
	for _, value := range values {
		size += len(value) + len(`"",`)
	}
	return size
}
