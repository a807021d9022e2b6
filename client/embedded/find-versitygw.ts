import { findTool, type FindOptions, type Tool } from './find-tool.ts';

const VERSITYGW: Tool = {
  name: 'versitygw',
  title: 'S3 server',
  goPackage: 'github.com/versity/versitygw/cmd/versitygw@v1.7.0',
  advice: 'Either set GENKI_S3_ENDPOINT to a running one, or install the `versitygw` command (https://github.com/versity/versitygw)',
};

/**
 * Path of a `versitygw` executable, which serves a folder as S3: on the PATH, in the cache, or built by Go.
 * @throws {Error} naming all of these when none works
 */
export const findVersitygw = (options: FindOptions): Promise<string> => findTool(VERSITYGW, options);
