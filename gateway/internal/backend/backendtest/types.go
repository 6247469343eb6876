package backendtest

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

type methodTypes struct {
	request, response protoreflect.MessageType
}

// typesOf looks up the messages of a method that is linked in.
func typesOf(fullMethod string) methodTypes {
	name := protoreflect.FullName(strings.ReplaceAll(strings.TrimPrefix(fullMethod, "/"), "/", "."))
	descriptor, err := protoregistry.GlobalFiles.FindDescriptorByName(name)
	if err != nil {
		panic(fmt.Sprintf("backendtest: %s: %v", fullMethod, err))
	}
	method, ok := descriptor.(protoreflect.MethodDescriptor)
	if !ok {
		panic(fmt.Sprintf("backendtest: %s is not a method", fullMethod))
	}
	return methodTypes{request: typeOf(method.Input()), response: typeOf(method.Output())}
}

func typeOf(message protoreflect.MessageDescriptor) protoreflect.MessageType {
	found, err := protoregistry.GlobalTypes.FindMessageByName(message.FullName())
	if err != nil {
		panic(fmt.Sprintf("backendtest: %s: %v", message.FullName(), err))
	}
	return found
}
