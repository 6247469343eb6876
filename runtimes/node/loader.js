'use strict';
// Finds and loads the function's handler.

const fs = require('node:fs');
const Module = require('node:module');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const vm = require('node:vm');

const { InitError, syntaxPlace } = require('./errors.js');

const { parse } = JSON;

const BYTE_ORDER_MARK = '\ufeff';
const MODULE_SYNTAX = [
  'Cannot use import statement outside a module',
  "Unexpected token 'export'",
  "Cannot use 'import.meta' outside a module",
  'await is only valid in async functions and the top level bodies of modules',
];

// Whether source can only be an ES module: it does not compile as CommonJS, for
// the reasons by which Node.js itself tells the two apart.
function hasModuleSyntax(source, file) {
  try {
    vm.compileFunction(source.replace(/^#!.*/, ''),
                       ['exports', 'require', 'module', '__filename', '__dirname'],
                       { filename: file });
    return false;
  } catch (error) {
    return error instanceof SyntaxError &&
           MODULE_SYNTAX.some((text) => error.message.includes(text));
  }
}

function packageIsModule(file, codeDir) {
  for (let dir = path.dirname(file); dir.startsWith(codeDir); dir = path.dirname(dir)) {
    const manifest = path.join(dir, 'package.json');
    if (fs.existsSync(manifest)) return parse(fs.readFileSync(manifest, 'utf8')).type === 'module';
  }
  return false;
}

// The third parameter of _compile is new and has had another meaning before.
const COMPILE_FORMAT = Module.prototype._compile.length > 2 ? ['commonjs'] : [];

// What require(file) does, for a file that is known to be there and to belong to
// a package of CommonJS: without the search, and with one compilation.
function runCommonJs(source, file) {
  const module = new Module(file);
  module.filename = file;
  module.paths = Module._nodeModulePaths(path.dirname(file));
  Module._cache[file] = module;
  try {
    module._compile(source, file, ...COMPILE_FORMAT);
    module.loaded = true;
  } finally {
    if (!module.loaded) delete Module._cache[file];
  }
  return module.exports;
}

async function importFile(file) {
  try {
    return await import(pathToFileURL(file).href);
  } catch (error) {
    if (error instanceof SyntaxError && syntaxPlace(error) === null) findPlace(error, file);
    throw error;
  }
}

// V8 does not tell where a module does not compile; Node.js does, on its
// standard error.
function findPlace(error, file) {
  const { stderr } = require('node:child_process').spawnSync(
    process.execPath, ['--check', file], { encoding: 'utf8', timeout: 5000, maxBuffer: 1 << 20 });
  if (stderr?.includes('SyntaxError')) error.stack = stderr;
}

async function loadModule(base, codeDir) {
  const script = `${base}.js`, module = `${base}.mjs`, common = `${base}.cjs`;
  if (fs.existsSync(script)) {
    if (packageIsModule(script, codeDir)) return importFile(script);
    const text = fs.readFileSync(script, 'utf8');
    const source = text[0] === BYTE_ORDER_MARK ? text.slice(1) : text;
    try {
      return runCommonJs(source, script);
    } catch (error) {
      if (!(error instanceof SyntaxError) || !hasModuleSyntax(source, script)) throw error;
    }
    return importFile(fs.existsSync(module) ? module : script);
  }
  if (fs.existsSync(module)) return importFile(module);
  if (fs.existsSync(common)) return require(common);
  throw new InitError('ImportModuleError', `there is no file ${path.basename(base)}.js`);
}

// "dir/file.a.b" as ["dir/file", ["a", "b"]]: the first dot of the last part
// ends the file's name.
function parseName(name) {
  const dot = name.indexOf('.', name.lastIndexOf('/') + 1);
  const file = name.slice(0, dot), exported = name.slice(dot + 1).split('.');
  if (dot < 0 || exported.includes('') ||
      file.split('/').some((part) => part === '' || part.startsWith('.'))) {
    throw new InitError('MalformedHandlerName', `the handler must look like file.export: ${name}`);
  }
  return [file, exported];
}

const follow = (value, names) => names.reduce((at, name) => at?.[name], value);

async function loadHandler(name, codeDir) {
  const [file, exported] = parseName(name);
  const loaded = await loadModule(path.join(codeDir, file), codeDir);
  const handler = follow(loaded, exported) ?? follow(loaded?.default, exported);
  if (typeof handler !== 'function') {
    throw new InitError('HandlerNotFound',
                        `${file} does not export a function named ${exported.join('.')}`);
  }
  return handler;
}

module.exports = { loadHandler };
